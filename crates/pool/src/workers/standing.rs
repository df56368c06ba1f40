//! A task that a worker holds and that stands still; see `scheduler::standing`.

use std::time::Instant;

/// What is kept of it meanwhile.
pub(crate) struct Standing {
    pub(crate) since: Instant,
    /// When it has begun, as if it had never stood still before; the task itself has no start now.
    pub(crate) started: Option<Instant>,
}
