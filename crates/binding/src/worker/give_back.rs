//! Tasks whose port values were sent to a worker that will not claim them soon, or never. They have not
//! begun, so they go back to the owner with their values.

use std::sync::Arc;

use crate::tasks::task::JsTask;
use crate::worker::worker::WorkerSide;

impl WorkerSide {
    /// The worker ends: nothing more is sent to it. Whether something is on its way.
    pub(crate) fn quit(&self) -> bool {
        let id = *self.handle.id.lock();
        id.is_some_and(|id| self.handle.entry.pool.note_ending(id))
    }

    /// The worker blocks, or ends: the pool takes back the tasks whose port values were sent to it. The first
    /// that needs what has probably ended a worker is lost with it, or it would end one after the other.
    pub(crate) fn give_back(&self, is_ending: bool) -> Vec<Arc<JsTask>> {
        let mut blame = if is_ending { self.blame() } else { None };
        let is_lost = |task: &Arc<JsTask>| blame.take_if(|blame| (blame.covers)(task.needs())).is_some();
        let worker = self.worker.borrow();
        let tasks = worker.as_ref().map(|worker| worker.give_back_but(is_lost)).unwrap_or_default();
        self.returned.borrow_mut().extend(tasks.iter().cloned());
        tasks
    }

    /// Those port values are with the owner again.
    pub(crate) fn gave_back(&self) {
        for task in std::mem::take(&mut *self.returned.borrow_mut()) {
            self.handle.entry.pool.payload_ready(&task);
        }
    }
}
