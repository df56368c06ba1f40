//! The tasks of a worker that run in one callback scope; see `serve`.

use std::sync::Arc;

use crate::isolate::stint::{Step, Stint};
use crate::tasks::task::{JsTask, JsWork};

/// One call of the loop.
pub(crate) struct Slice {
    pub(crate) stint: Stint,
    /// Claimed, and not begun.
    pub(super) first: Option<(Arc<JsTask>, JsWork)>,
    /// In the guard.
    pub(super) running: Option<(f64, Arc<JsTask>)>,
    /// The task that was called last, until it has an outcome: its promise may settle in the ticks after it.
    pub(super) pending: Option<Arc<JsTask>>,
    /// Why the loop has ended, if the worker has more to do.
    pub(crate) step: Option<Step>,
    /// What was called when the loop began.
    pub(super) outer: f64,
}

impl Slice {
    pub(crate) fn new(stint: Stint, task: Arc<JsTask>, work: JsWork) -> Self {
        let outer = stint.side.calling.get();
        Slice { stint, first: Some((task, work)), running: None, pending: None, step: None, outer }
    }

    /// The last callback is over, with the ticks that followed: what it has come to counts.
    pub(crate) fn close_last(&mut self) {
        let side = &self.stint.side;
        if let Some(task) = self.pending.take()
            && self.stint.done.is_none()
        {
            self.stint.done = side.take_ended(&task).map(|outcome| (task, outcome));
        }
        side.calling.set(self.outer);
        side.finish_ended();
    }
}
