//! Tasks whose port values were sent to a worker that will not claim them soon.

use std::sync::Arc;

use pool::Worker;

use crate::tasks::task::JsTask;
use crate::worker::worker::WorkerSide;

impl WorkerSide {
    /// The worker blocks: the pool takes back the tasks whose port values were sent to it.
    pub(crate) fn give_back(&self) -> Vec<Arc<JsTask>> {
        let tasks = self.worker.borrow().as_ref().map(Worker::give_back).unwrap_or_default();
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
