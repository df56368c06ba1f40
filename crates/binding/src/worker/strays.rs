//! Errors that nobody has caught: whose they are, and what becomes of the worker.
//!
//! lib/worker/strays.ts knows the task by the async context. If that task still runs, or no task is known and
//! one may be to blame, Node ends the thread, and what the worker holds is lost. Else the error is handled:
//! the owner of the pool is told, the worker has died, but retires, so that nothing that it holds is lost.

use pool::Kind;

use crate::process::parent;
use crate::tasks::pool_event::PoolEvent;
use crate::tasks::pools::Stray;
use crate::values::text::Text;
use crate::values::value::Packed;
use crate::worker::worker::WorkerSide;

impl WorkerSide {
    /// Whether a stray error has to end the isolate: it is of the task with this token, which has not ended;
    /// or, where no task is known (0), it may be of any that the worker holds, of a module that was loaded
    /// for the next one, or of the worker's start.
    pub(crate) fn must_die_of(&self, token: f64) -> bool {
        if token != 0.0 {
            return self.is_unfinished(token);
        }
        let pool = &self.handle.entry.pool;
        let is_for_next = self.loaded_untried().any(|function| pool.wants(Kind::Isolate, function));
        let may_be_a_tasks = self.calling.get() != 0.0 || self.has_ended() || self.held.can_any_end();
        is_for_next || may_be_a_tasks || !self.held.had_any()
    }

    /// Whether a task has not ended: it runs, its promise is pending, or the callback is not over in which it
    /// has returned or its promise has settled. One that was stopped has ended.
    fn is_unfinished(&self, token: f64) -> bool {
        match self.held.get(token) {
            Some(task) => !task.state().is_settled(),
            None => self.calling.get() == token || self.handle.is_ending(token),
        }
    }

    /// An error that ends no task, of the task of this name, or of none that is known.
    pub(crate) fn note_stray(&self, task: Option<Text>, error: Packed) {
        let handle = &self.handle;
        if let Some(parent) = parent::of_local(&handle.entry) {
            // The pool's process has it leave; what it is given until then still runs.
            parent.tell_stray(task.as_ref(), &error);
            return;
        }
        handle.entry.strays.lock().push(Stray { task, error });
        handle.entry.tell_owner(PoolEvent::Strays, 0.0);
        let id = *handle.id.lock();
        if let Some(id) = id {
            handle.entry.pool.note_death(id);
            handle.entry.pool.retire(id);
        }
    }
}
