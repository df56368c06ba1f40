//! The folders of the addon are layers, and each imports only what stands below it; docs/architecture.md says
//! what lives where. That the check notices every way to write an import is tested in the core's layers.rs.

#[path = "../../pool/tests/support/layering.rs"]
mod layering;

use std::path::Path;

use layering::{Layers, Source, assert_layered, assert_no_circles_but, violations};

const ADDON: Layers<'_> = &[
    &["calls"],
    &["isolate"],
    &["worker"],
    &["supervision"],
    &["process"],
    &["tasks"],
    &["native"],
    &["values"],
    &["doorbell"],
    &["engine"],
    &["js"],
];

#[test]
fn the_folders_of_the_addon_import_only_what_stands_below_them() {
    assert_layered(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), ADDON);
}

#[test]
fn the_files_of_a_folder_import_each_other_in_no_circle() {
    assert_no_circles_but(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &[]);
}

#[test]
fn from_each_folder_an_import_of_the_one_above_is_found() {
    let folders = ADDON.concat();
    let mod_file = |folder: &str| Source { path: format!("{folder}/mod.rs"), text: String::new() };
    for pair in folders.windows(2) {
        let (above, below) = (pair[0], pair[1]);
        let planted =
            Source { path: format!("{below}/planted.rs"), text: format!("use crate::{above}::thing;") };
        let sources: Vec<_> = folders.iter().map(|folder| mod_file(folder)).chain([planted]).collect();
        assert_eq!(
            violations(&sources, ADDON),
            [format!("{below}/planted.rs:1: {below} imports {above}, which stands above it")]
        );
    }
}
