//! How a running kernel learns that nobody wants its result any more.
//!
//! A thread in native code cannot be killed, so a kernel asks: about every millisecond of work, between two
//! chunks of its input. What stands behind `check` (a flag, a deadline, both) is the caller's affair.

use std::fmt;

/// The task was cancelled or its time is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped;

impl fmt::Display for Stopped {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the task was stopped")
    }
}

impl std::error::Error for Stopped {}

/// What the caller of a kernel provides. `check` should cost no more than reading a flag.
pub trait Control {
    /// Called between chunks of work.
    ///
    /// # Errors
    /// `Stopped` when the kernel shall give up; it then returns `KernelError::Stopped` at once.
    fn check(&self) -> Result<(), Stopped>;

    /// How much is done, from 0 to 1. No kernel of this crate calls it yet.
    fn progress(&self, _fraction: f64) {}
}

/// Never stops: for callers without a task, and for tests.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unstoppable;

impl Control for Unstoppable {
    fn check(&self) -> Result<(), Stopped> {
        Ok(())
    }
}
