//! The folders of the core are layers, and each imports only what stands below it.

#[path = "support/layering.rs"]
mod layering;

use std::path::Path;

use layering::{Layers, Source, assert_layered, assert_no_circles_but, circles, violations};

const CORE: Layers<'_> = &[&["scheduler"], &["queue", "workers"], &["task"], &["sync"]];

#[test]
fn the_folders_of_the_core_import_only_what_stands_below_them() {
    assert_layered(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), CORE);
}

/// A task is generic over the work of the pool's user, whose trait names the task: one type in several files.
#[test]
fn the_files_of_a_folder_import_each_other_in_no_circle_but_the_task_s() {
    assert_no_circles_but(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &["task"]);
}

#[test]
fn a_circle_of_files_is_found_however_it_is_written() {
    let of = |one: &str, two: &str| {
        let source = |path: &str, text: &str| Source { path: path.into(), text: text.into() };
        let (a, b) = (source("task/a.rs", one), source("task/b.rs", two));
        circles(&[source("task/mod.rs", "pub(crate) mod a; pub(crate) mod b;"), a, b])
    };
    let both = ["task/a.rs -> task/b.rs -> task/a.rs", "task/b.rs -> task/a.rs -> task/b.rs"];
    assert_eq!(of("use crate::task::b::B;", "use crate::task::{a::A, other};"), both);
    assert_eq!(of("use super::b::B;", "fn of(a: &crate::task::a::A) {}"), both);
    assert_eq!(of("use crate::task::b::B;", "use crate::sync::a;"), [""; 0]);
}

/// The violations of a core that has these files and, in each folder, one that imports nothing.
fn of(files: &[(&str, &str)]) -> Vec<String> {
    let empty = CORE.concat().into_iter().map(|folder| (format!("{folder}/mod.rs"), String::new()));
    let planted = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
    let sources: Vec<_> = empty.chain(planted).map(|(path, text)| Source { path, text }).collect();
    violations(&sources, CORE)
}

/// The violations of one file of `task`.
fn of_task(text: &str) -> Vec<String> {
    of(&[("task/task.rs", text)])
}

const UP: &str = "task imports scheduler, which stands above it";

#[test]
fn an_import_that_goes_up_is_found_with_its_file_and_line() {
    assert_eq!(
        of_task("use crate::sync::parker;\n\nuse crate::scheduler::pool::Pool;\n"),
        [format!("task/task.rs:3: {UP}")]
    );
}

#[test]
fn an_import_between_folders_of_one_layer_is_found() {
    let found = of(&[("queue/lane.rs", "use crate::workers::registry::Registry;")]);
    assert_eq!(found, ["queue/lane.rs:1: queue imports workers, which is beside it"]);
}

#[test]
fn the_circle_that_such_an_import_closes_is_named() {
    let found = of(&[
        ("scheduler/pool.rs", "use crate::queue::lane::Lane;"),
        ("queue/lane.rs", "use crate::task::task::Task;"),
        ("task/task.rs", "use crate::scheduler::pool::Pool;"),
    ]);
    let circle = "closes the circle task -> scheduler -> queue -> task";
    assert_eq!(found, [format!("task/task.rs:1: {UP}, and {circle}")]);
}

#[test]
fn every_way_to_write_a_path_counts() {
    for text in [
        "use crate::scheduler;",
        "use crate::{scheduler};",
        "use crate::{sync::{self, parker}, scheduler::pool};",
        "pub(crate) use crate::scheduler::pool as other;",
        "fn run(pool: &crate::scheduler::pool::Pool) {}",
        "use super::super::scheduler::pool;",
        "use super::super::{sync, scheduler};",
        "mod tests { use super::super::super::scheduler; }",
        "impl<'a> Of<'a> for crate::scheduler::Pool {}",
        "const QUOTE: char = '\"'; use crate::scheduler; const OTHER: char = '\"';",
        r"const QUOTE: char = '\''; use crate::scheduler; const OTHER: char = '\'';",
        r##"const TEXT: &str = r#"" "#; use crate::scheduler;"##,
        "macro_rules! make { () => { $crate::scheduler::make() } }",
    ] {
        assert_eq!(of_task(text), [format!("task/task.rs:1: {UP}")], "{text}");
    }
}

#[test]
fn comments_literals_and_what_stands_below_do_not_count() {
    for text in [
        "// use crate::scheduler;",
        "/// See [`crate::scheduler`].",
        "/* use crate::scheduler; /* of */ use crate::scheduler; */",
        "const TEXT: &str = \"crate::scheduler \\\" crate::scheduler\";",
        "const TEXT: &str = r#\"crate::scheduler \" crate::scheduler\"#;",
        "use super::work::Work; mod tests { use super::*; use super::super::work; }",
        "pub(crate) fn one() {} pub(super) fn two() {}",
        "use crate::task::work; use crate::sync::{parker, primitives};",
        "use std::sync::Arc; use scheduler::Pool;",
    ] {
        assert_eq!(of_task(text), [""; 0], "{text}");
    }
}

#[test]
fn nothing_imports_the_root_and_every_file_but_the_root_is_in_a_folder_of_a_layer() {
    let root = "but nothing imports the crate's root";
    assert_eq!(of_task("\nuse crate::Pool;"), [format!("task/task.rs:2: imports crate::Pool, {root}")]);
    assert_eq!(of_task("use crate::*;"), [format!("task/task.rs:1: imports crate::*, {root}")]);
    assert_eq!(of(&[("lib.rs", "pub use scheduler::pool::Pool; use crate::scheduler;")]), [""; 0]);
    assert_eq!(of(&[("pool.rs", "")]), ["pool.rs: only lib.rs stands outside of the folders"]);
    assert_eq!(of(&[("other/mod.rs", "")]), ["other/: the folder is in no layer"]);
}
