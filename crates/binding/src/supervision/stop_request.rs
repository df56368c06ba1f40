//! What the guard of a worker is asked for, and how far it has come with a stop.

use std::sync::Arc;

use crate::tasks::task::JsTask;

/// What an interrupt is to do once V8 calls it on the worker's thread.
pub(super) enum Request {
    Nothing,
    /// Stop this task; with `expired`, also fail it as timed out, with its stack. With `insists` also in this
    /// package's code and in those parts of Node that keep nothing of their own.
    Stop {
        task: Arc<JsTask>,
        expired: bool,
        insists: bool,
    },
    /// Read the stack; of this task, if one is named.
    Look(Option<Arc<JsTask>>),
    /// End whatever runs: the worker will not go on.
    Kill,
}

/// How far a stop has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum StopState {
    /// The task is not in the guard.
    Outside,
    /// Other tasks run on top of it, and must return first.
    Covered,
    /// Asked; no answer yet.
    Asked,
    /// Node's own code ran, or this package's, so many times by now: ask again.
    PutOff(u32),
    /// Terminated; the worker has not come back yet.
    Hit,
}
