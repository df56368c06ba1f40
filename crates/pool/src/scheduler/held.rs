//! What a worker holds: the tasks that it has begun and not let go.

use std::sync::Arc;
use std::time::Instant;

use crate::scheduler::actions::Actions;
use crate::scheduler::pool::{Pool, Shared};
use crate::task::outcome::Outcome;
use crate::task::task::Task;
use crate::task::work::{Work, WorkerId};

impl<W: Work> Pool<W> {
    /// Takes a finished task off its worker's list and settles it.
    #[inline]
    pub(crate) fn settle_held(
        &self,
        shared: &mut Shared<W>,
        id: WorkerId,
        task: &Arc<Task<W>>,
        outcome: Outcome<W>,
        actions: &mut Actions<W>,
    ) {
        shared.begin_if_ahead(task, actions);
        let was_held = shared.take_off(id, task);
        if !shared.conclude(task, outcome, actions) && was_held {
            actions.let_go.push(task.clone());
        }
        shared.release_key(task, actions);
    }

    /// A task that has settled, and that its worker cannot let go of, counts as let go. The worker has to be
    /// replaced for it, and goes on meanwhile only for others that it holds.
    pub fn let_go_of(self: &Arc<Self>, id: WorkerId, task: &Arc<Task<W>>) {
        self.change(|shared, actions| {
            if task.state().is_settled() && shared.take_off(id, task) {
                actions.let_go.push(task.clone());
                shared.release_key(task, actions);
                self.rebalance(shared, actions);
            }
        });
    }
}

impl<W: Work> Shared<W> {
    /// Takes a task off its worker's list. Says whether it was there.
    #[inline]
    pub(crate) fn take_off(&mut self, id: WorkerId, task: &Arc<Task<W>>) -> bool {
        let Some(record) = self.workers.get(id) else { return false };
        let before = record.held.len();
        record.held.retain(|other| !Arc::ptr_eq(other, task));
        record.held.len() < before
    }

    /// Worker `id` begins a task that was just taken from its lane, and holds it from now on. `None` if it
    /// has settled.
    pub(crate) fn begin(&mut self, task: &Arc<Task<W>>, id: WorkerId, now: Instant) -> Option<W> {
        let work = task.begin(id, now)?;
        self.note_begun(task, id, now);
        Some(work)
    }

    /// Worker `id` has begun a task, and holds it from now on.
    #[inline]
    pub(crate) fn note_begun(&mut self, task: &Arc<Task<W>>, id: WorkerId, now: Instant) {
        self.running += 1;
        self.wait_time.record(now.saturating_duration_since(task.submitted));
        let mut is_first = false;
        if let Some(record) = self.workers.get(id) {
            record.held.push(task.clone());
            is_first = record.claimed == 0;
            record.claimed += 1;
            record.uncounted += u64::from(task.is_for_worker);
        }
        if is_first {
            self.note_first_task(task.kind());
        }
        if task.key.is_some() {
            self.keyed.note_begun(task, id);
        }
        self.clear_suspect(task.kind(), task.needs());
    }
}
