//! Shared by `crates/binding`: sets the linker up for a Node addon.
fn main() {
    napi_build::setup();
}
