//! What a settled future holds.

use crate::sync::deadline::TimeLimit;
use crate::task::work::Work;

/// A task's value, or why there is none.
pub type Outcome<W> = Result<<W as Work>::Value, Failure<W>>;

/// Why a future has no value.
pub enum Failure<W: Work> {
    /// The task ended with an error of its own.
    Threw(W::Error),
    /// The native task panicked with this message.
    Panicked(String),
    /// The future was cancelled.
    Cancelled,
    /// This limit was over; `trace` tells where the task was, if it ran and the worker could tell.
    TimedOut { limit: TimeLimit, trace: Option<String> },
    /// The worker ended while it held the task; how, if that is known, and why.
    Lost { exit: Option<W::Exit>, cause: Option<W::Error> },
    /// The pool cannot run tasks any more.
    Broken { cause: Option<W::Error> },
}

/// How a future ended, for the counts. Each settled task is in exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Completed,
    Failed,
    Cancelled,
    TimedOut,
    Lost,
}

pub(crate) fn ending<W: Work>(outcome: &Outcome<W>) -> Ending {
    match outcome {
        Ok(_) => Ending::Completed,
        Err(Failure::Threw(_) | Failure::Panicked(_) | Failure::Broken { .. }) => Ending::Failed,
        Err(Failure::Cancelled) => Ending::Cancelled,
        Err(Failure::TimedOut { .. }) => Ending::TimedOut,
        Err(Failure::Lost { .. }) => Ending::Lost,
    }
}
