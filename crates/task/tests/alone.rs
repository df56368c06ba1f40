//! The npm package has this crate without the workspace around it. Its manifest says what the workspace's
//! says.

mod common;

use common::{CRATE, scratch, succeed};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The lines of a table of a manifest.
fn table(manifest: &str, name: &str) -> BTreeSet<String> {
    let lines = manifest.lines().skip_while(|line| *line != format!("[{name}]")).skip(1);
    let lines = lines.take_while(|line| !line.starts_with('[')).filter(|line| line.contains(" = "));
    lines.map(str::to_owned).collect()
}

#[test]
fn the_manifest_repeats_the_workspace() {
    let read = |path: &str| fs::read_to_string(Path::new(CRATE).join(path)).unwrap();
    let (ours, workspace) = (read("Cargo.toml"), read("../../Cargo.toml"));
    assert!(table(&ours, "package").is_superset(&table(&workspace, "workspace.package")));
    assert_eq!(table(&ours, "lints.clippy"), table(&workspace, "workspace.lints.clippy"));
    let mut lints = table(&workspace, "workspace.lints.rust");
    lints.retain(|line| !line.contains("cfg(pool_loom)"));
    assert_eq!(table(&ours, "lints.rust"), lints);
}

#[test]
fn a_plugin_is_built_with_what_the_npm_package_has() {
    let root = scratch("alone");
    let _ = fs::remove_dir_all(&root);
    let packed = root.join("node_modules/concurrent-futures/crates/task");
    fs::create_dir_all(&packed).unwrap();
    for part in ["Cargo.toml", "include", "src"] {
        succeed(Command::new("cp").arg("-r").arg(Path::new(CRATE).join(part)).arg(&packed));
    }
    let manifest = "[package]\nname = \"mine\"\nversion = \"0.1.0\"\nedition = \"2024\"\n
        [lib]\ncrate-type = [\"cdylib\"]\n
        [dependencies]\nconcurrent-futures-task = { path = \"node_modules/concurrent-futures/crates/task\" }\n
        [workspace]\n";
    fs::write(root.join("Cargo.toml"), manifest).unwrap();
    fs::create_dir(root.join("src")).unwrap();
    let source = "use concurrent_futures_task::{Context, tasks};
        fn echo(input: &[u8], _: &Context) -> Result<Vec<u8>, String> { Ok(input.to_vec()) }
        tasks! { \"echo\" => echo }";
    fs::write(root.join("src/lib.rs"), source).unwrap();
    succeed(
        Command::new(env!("CARGO"))
            .args(["check", "--quiet", "--offline"])
            .current_dir(&root)
            .env("CARGO_TARGET_DIR", root.join("target"))
            .env_remove("CARGO_BUILD_TARGET")
            .env_remove("RUSTFLAGS"),
    );
}
