//! Waits that block a worker's thread for a limited time.
//!
//! A waiter is buried under what runs on its stack, and that can neither be paused nor given back: it would
//! run twice. So a wait that must end in time does not run the task that it is for. It gives that task its
//! place: the task comes before all others, and may run although the budget is used up by what earlier waits
//! have left behind. A worker that is idle runs it, or one more is started.
//!
//! A chain of such waits would take a thread for each. So there is a limit to the threads that are started
//! for them (`most_lent_for_limited`), beyond which the waiter is told to run the task itself. It is not
//! told so while others use the budget up: these come for the task when they have ended, and until then it
//! waits for its turn as any task does.

use std::sync::Arc;

use crate::scheduler::actions::Actions;
use crate::scheduler::pool::{Pool, Shared};
use crate::scheduler::worker::Worker;
use crate::task::states::State;
use crate::task::task::Task;
use crate::task::work::{Kind, Work, WorkerId};

/// How many workers of a kind there may be beyond `max_workers`, because tasks block the threads of others,
/// or because these retire.
pub(crate) const MOST_LENT: usize = 512;

/// The same for waits of a limited time; as many as `max_workers` in any case, so that each task that runs
/// may wait once. An isolate is 10 MB and takes 50 ms to start. A chain of waits that is longer goes on upon
/// one stack, where its limits are not kept; `docs/nesting.md` has what other numbers cost.
const LEAST_LENT_FOR_LIMITED: usize = 8;

impl<W: Work> Worker<W> {
    /// Like [`Worker::suspend`], while a task of this worker blocks its thread for `task`, of this pool, and
    /// for a limited time: until [`Worker::resume`] `task` comes before all others, and has this worker's
    /// place. False if no worker is to be had for it: then nothing has changed, and the caller should run it.
    /// Where it has tried that and cannot it says so by `cannot_run`, and a worker is started after all.
    pub fn suspend_for(&self, task: &Arc<Task<W>>, cannot_run: bool) -> bool {
        self.pool.change(|shared, actions| {
            shared.prepare_wait(self.id, true, actions);
            shared.bring_back(task, actions);
            let is_suspended = self.pool.begin_limited_wait(shared, self.id, task, cannot_run);
            self.pool.rebalance(shared, actions);
            is_suspended
        })
    }

    /// Like [`Worker::suspend`], for a limited time, and for a task that nobody needs to be sent for.
    pub fn suspend_limited(&self) {
        self.pool.change(|shared, actions| {
            shared.prepare_wait(self.id, true, actions);
            shared.workers.suspend(self.id, true, true);
            self.pool.rebalance(shared, actions);
        });
    }
}

impl<W: Work> Pool<W> {
    fn begin_limited_wait(
        &self,
        shared: &mut Shared<W>,
        id: WorkerId,
        task: &Arc<Task<W>>,
        cannot_run: bool,
    ) -> bool {
        let Some(record) = shared.workers.get(id) else { return true };
        if record.state.is_over() {
            // It claims nothing any more, this task as little as others.
            return true;
        }
        if record.held.is_empty() {
            // No task waits: it is code that one has left behind.
            return cannot_run;
        }
        if task.is_for_worker && !cannot_run && record.pinned.iter().any(|own| Arc::ptr_eq(own, task)) {
            // No other may.
            return false;
        }
        if task.state() == State::Pending && task.key.is_some() {
            // It keeps its turn. Where only this worker may begin it, only this worker can end the wait.
            if !cannot_run && shared.keyed.home_of(task) == Some(id) {
                return false;
            }
        } else if task.state() == State::Pending && !task.needs_handover && !task.is_for_worker {
            let own = usize::from(record.has_place);
            let others = shared.workers.active - own;
            let may_run = !cannot_run && others < shared.max_workers;
            if may_run && !self.has_worker_for_hurried(shared, task.kind()) {
                return false;
            }
            shared.lanes[task.kind() as usize].hurry(task);
            if let Some(record) = shared.workers.get(id) {
                (record.hurries, record.is_stranded) = (Some(task.clone()), cannot_run);
            }
        }
        shared.workers.suspend(id, true, true);
        true
    }

    /// Whether one more task that is hurried would have a worker.
    fn has_worker_for_hurried(&self, shared: &Shared<W>, kind: Kind) -> bool {
        let hurried = shared.lanes[kind as usize].hurried();
        shared.workers.last_lingering(kind).is_some()
            || shared.workers.last_idle(kind).is_some()
            || shared.workers.last_partial(kind, true, |_| true).is_some()
            || shared.workers.coming(kind) > hurried
            || self.wants_for_hurried(shared, kind, hurried + 1)
    }

    /// Whether one more worker may be started for so many tasks that are hurried.
    pub(crate) fn wants_for_hurried(&self, shared: &Shared<W>, kind: Kind, hurried: usize) -> bool {
        let (k, workers) = (kind as usize, &shared.workers);
        if hurried <= workers.coming(kind) {
            return false;
        }
        let exists = workers.existing(kind);
        let is_stranded = || workers.iter().any(|(_, record)| record.is_stranded);
        let lent = exists.saturating_sub(shared.max_workers);
        let may_lend = lent < shared.most_lent_for_limited()
            || (lent + workers.retiring[k] < MOST_LENT && is_stranded());
        exists < workers.allowed[k] && may_lend
    }
}

impl<W: Work> Shared<W> {
    pub(crate) fn most_lent_for_limited(&self) -> usize {
        self.max_workers.max(LEAST_LENT_FOR_LIMITED)
    }

    /// Worker `id` does not block any more for the task that comes before all others because of it. If that
    /// still waits it is again where it was in the queue.
    pub(crate) fn end_hurry(&mut self, id: WorkerId, actions: &mut Actions<W>) {
        let Some(record) = self.workers.get(id) else { return };
        record.is_stranded = false;
        let Some(task) = record.hurries.take() else { return };
        self.lanes[task.kind() as usize].calm(&task);
        actions.removed.push(task);
    }
}
