//! What the pool calls a worker isolate for, from any thread: to claim its next task, or to let go of one.

use std::sync::Arc;

use pool::{Task, WorkerLink};

use crate::supervision::stopper;
use crate::supervision::worker_handle::WorkerHandle;
use crate::tasks::task::{Destination, JsWork};

impl WorkerLink<JsWork> for WorkerHandle {
    fn wake(&self) {
        self.pulse.call();
        self.bell.ring();
    }

    fn thread(&self) -> u32 {
        self.thread_id
    }

    fn stop(&self, task: &Arc<Task<JsWork>>) {
        self.note_interrupt(task);
        self.abort(task);
        stopper::stop(self, task, false);
    }

    fn has_submitted(&self, task: &Task<JsWork>) -> bool {
        // An isolate has one bell.
        match &task.owner().destination {
            Destination::Isolate(mailbox) => Arc::ptr_eq(&mailbox.bell, &self.bell),
            Destination::Elsewhere(_) => false,
        }
    }

    fn expire(&self, task: &Arc<Task<JsWork>>) {
        self.note_interrupt(task);
        // The signal aborts only then: a task that returns because of it must not settle before it has
        // timed out.
        stopper::stop(self, task, true);
        self.abort(task);
    }
}
