//! When a child that holds tasks gets one more. Its thread may be busy with one of them for long, and what it
//! is given would wait: so it is asked whether its thread is free.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use pool::Outcome;

use crate::process::message::{NATIVE, to_child};
use crate::process::supervisor::Supervisor;
use crate::tasks::task::{JsTask, JsWork};
use crate::values::wire::Writer;

impl Supervisor {
    /// The pool has called: it may have a task. A child that holds tasks may be busy with one for long, and
    /// what it is given would wait: it is asked first, and another is sent if it does not answer.
    pub(super) fn called(&mut self) {
        if self.link.is_unwanted.load(Ordering::Acquire) {
            return;
        }
        self.hold_begun();
        if self.held.is_empty() || self.loading.is_some() || self.is_leaving {
            self.work(None);
        } else if self.is_blocked || self.recovers_until.is_some() {
            self.stop_waiting();
        } else if self.asked.is_none() {
            self.ask();
        }
    }

    /// Asks whether the thread of the child is free.
    pub(super) fn ask(&mut self) {
        (self.asked, self.is_overdue) = (Some(Instant::now()), false);
        self.questions = (self.questions + 1) & !NATIVE;
        let mut writer = Writer::default();
        writer.u32(self.questions | NATIVE);
        self.link.channel.send(to_child::LOAD, writer.finish());
    }

    /// The child is free of a task. If another of its tasks may wait for that one, it goes on before the
    /// child is given more, which would lie on top of it.
    pub(super) fn settle(&mut self, task: Arc<JsTask>, outcome: Outcome<JsWork>) {
        let is_own = pool::WorkerLink::has_submitted(&*self.link, &task);
        if !is_own || self.held.is_empty() {
            self.work(Some((task, outcome)));
        } else if let Some(worker) = &self.worker {
            worker.finish(&task, outcome);
            self.ask();
        }
    }

    pub(super) fn stop_waiting(&self) {
        if let Some(worker) = &self.worker {
            self.entry.pool.stop_waiting_for(worker.id());
        }
    }

    /// The thread of the child is free.
    pub(super) fn note_free(&mut self, question: u32) {
        if question == self.questions && self.asked.is_some() {
            (self.asked, self.is_overdue) = (None, false);
            self.work(None);
        }
    }
}
