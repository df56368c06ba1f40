//! What the pool asks of a worker isolate, from any thread: to come for its next task, or to let go of one.

use std::sync::Arc;

use pool::{Task, WorkerLink};

use crate::supervision::stopper;
use crate::supervision::worker_handle::WorkerHandle;
use crate::tasks::task::JsWork;

impl WorkerLink<JsWork> for WorkerHandle {
    fn wake(&self) {
        self.pulse.call();
        self.bell.ring();
    }

    fn stop(&self, task: &Arc<Task<JsWork>>) {
        self.abort(task);
        stopper::stop(self, task, false);
    }

    fn expire(&self, task: &Arc<Task<JsWork>>) {
        // Only then: a task that heeds its signal must not settle before it has failed.
        stopper::stop(self, task, true);
        self.abort(task);
    }
}
