//! What is started, and how it ended.

use std::ffi::OsString;

/// A program to start.
#[derive(Clone, Debug)]
pub struct Command {
    /// A path, or a name that is looked up in this process's PATH.
    pub program: OsString,
    /// Its arguments, without its name.
    pub args: Vec<OsString>,
    /// Its whole environment. `None` copies this process's, which is only safe while nobody changes it: in a
    /// process whose other threads call `setenv`, pass a copy that they made.
    pub env: Option<Vec<(OsString, OsString)>>,
}

/// What the kernel says of a dead child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Code(i32),
    Signal(i32),
}
