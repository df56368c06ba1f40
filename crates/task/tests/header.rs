//! The C header and its mirror in Rust describe the same layout, and the header suits every dialect.

mod common;

use common::{CRATE, scratch, succeed};
use concurrent_futures_task::abi::{Context, Task, TaskTable};
use std::mem::offset_of;
use std::path::Path;
use std::process::Command;

#[test]
fn the_header_is_valid_c99_c11_and_cpp() {
    for (compiler, standard, file) in [
        ("cc", "-std=c99", "dialect.c"),
        ("cc", "-std=c11", "dialect.c"),
        ("c++", "-std=c++11", "dialect.cpp"),
    ] {
        let source = scratch(file);
        std::fs::write(
            &source,
            "#include \"concurrent_futures_task.h\"
             static int32_t run(cf_context *context) { return cf_cancelled(context) ? CF_CANCELLED : CF_OK; }
             CF_TASKS(CF_TASK(\"run\", run))",
        )
        .unwrap();
        succeed(
            Command::new(compiler)
                .args([standard, "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "-I"])
                .args([&Path::new(CRATE).join("include"), &source]),
        );
    }
}

#[test]
fn the_mirror_has_the_layout_of_the_header() {
    let mut asserts = String::new();
    let mut check = |name: &str, expected: usize| {
        asserts.push_str(&format!("_Static_assert({name} == {expected}, \"{name}\");\n"));
    };
    macro_rules! check_struct {
        ($rust:ident, $c:literal, $($field:ident)*) => {
            check(&format!("sizeof({})", $c), size_of::<$rust>());
            $(check(&format!("offsetof({}, {})", $c, stringify!($field)), offset_of!($rust, $field));)*
        };
    }
    check_struct!(Context, "cf_context", size abi input input_length cancel_flag on_cancel out out_reserve
        error progress remaining_ns);
    check_struct!(Task, "cf_task", size abi name run);
    check_struct!(TaskTable, "cf_task_table", size abi tasks count);
    let source = scratch("layout.c");
    std::fs::write(&source, format!("#include \"concurrent_futures_task.h\"\n{asserts}")).unwrap();
    succeed(
        Command::new("cc")
            .args(["-std=c11", "-fsyntax-only", "-I"])
            .args([&Path::new(CRATE).join("include"), &source]),
    );
}
