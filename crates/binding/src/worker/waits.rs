//! Waits of the tasks of a worker, as the pool hears of them: the worker gives up its place, and takes it
//! back.

use std::sync::Arc;

use crate::tasks::task::{Destination, JsTask};
use crate::worker::worker::WorkerSide;

impl WorkerSide {
    /// Whether this thread was not blocked for this task in its last wait: a wait is made of several that
    /// last some milliseconds.
    pub(crate) fn is_first_wait_for(&self, task: &Arc<JsTask>) -> bool {
        let name = (task.owner().pool, task.id());
        self.waited_for.replace(name) != name
    }

    /// A task that this worker holds waits for a future, or goes on: meanwhile others of its key may run.
    pub(crate) fn note_waits(&self, task: &Arc<JsTask>, waits: bool) {
        match &task.owner().destination {
            Destination::Elsewhere(there) => there.noted_waits(waits),
            Destination::Isolate(_) => self.handle.entry.pool.note_waits(task, waits),
        }
    }

    /// A task begins to wait: the worker's place is free for another. With `blocks` another worker may be
    /// started, because this one will claim nothing. Without, it says whether one would have been.
    pub(crate) fn suspend(&self, blocks: bool) -> bool {
        match self.worker.borrow().as_ref() {
            Some(worker) if blocks => {
                worker.suspend();
                false
            }
            Some(worker) => worker.suspend_claiming(),
            None => false,
        }
    }

    /// A wait is over.
    pub(crate) fn resume(&self, blocks: bool) {
        match self.worker.borrow().as_ref() {
            Some(worker) if blocks => worker.resume(),
            Some(worker) => worker.resume_claiming(),
            None => {}
        }
    }

    /// A task begins to block this thread, for a limited time, for a task that runs or is another pool's.
    pub(crate) fn suspend_limited(&self) {
        if let Some(worker) = self.worker.borrow().as_ref() {
            worker.suspend_limited();
        }
    }

    /// The same, for a task of the pool that waits; see `pool::Worker::suspend_for`. False if this thread
    /// should run it.
    pub(crate) fn suspend_for(&self, task: &Arc<JsTask>, cannot_run: bool) -> bool {
        self.worker.borrow().as_ref().is_none_or(|worker| worker.suspend_for(task, cannot_run))
    }
}
