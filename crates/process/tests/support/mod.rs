//! What the tests of children start, and how they wait.

use std::thread;
use std::time::{Duration, Instant};

use process::Command;

/// For what must happen; a test that waits as long has failed.
pub(crate) const LONG: Duration = Duration::from_secs(30);

pub(crate) fn sh(script: &str) -> Command {
    Command { program: "sh".into(), args: vec!["-c".into(), script.into()], env: None }
}

pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + LONG;
    while !holds() {
        assert!(Instant::now() < end, "{what}");
        thread::sleep(Duration::from_millis(5));
    }
}
