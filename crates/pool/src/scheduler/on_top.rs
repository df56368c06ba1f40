//! Tasks on top of one that waits.
//!
//! A worker whose tasks wait for futures and leave its thread free may take one task more for each. What it
//! takes keeps the thread: when the wait is over, the task that has waited goes on only after the other one.
//! So another worker is preferred: one that is idle, or one that can be started within `max_workers`. Only
//! what the waiting tasks themselves have submitted lies on top of them without a start being waited for: it
//! is what they wait for, as a rule, and a chain of waits would start a worker for each.
//!
//! The host may start none for long, because its thread is busy. After [`START_LIMIT`] the worker takes the
//! task after all.

use std::sync::Arc;
use std::time::Duration;

use crate::scheduler::actions::Actions;
use crate::scheduler::pool::{Pool, Shared};
use crate::task::task::Task;
use crate::task::work::{Kind, Work, WorkerId};
use crate::workers::registry::Record;
use crate::workers::state::WorkerState;

/// For how long a task waits for a worker that starts, while one of whose tasks one waits could take it. A
/// start takes 50 ms, and some times that on a busy machine.
const START_LIMIT: Duration = Duration::from_millis(250);

impl<W: Work> Pool<W> {
    /// Whether worker `id`, which holds so many tasks and asks for one more, takes it. If not it rests, and
    /// another worker was sent.
    pub(crate) fn takes_on_top(
        &self,
        shared: &mut Shared<W>,
        id: WorkerId,
        held: usize,
        actions: &mut Actions<W>,
    ) -> bool {
        if held == 0 {
            return true;
        }
        let Some(record) = shared.workers.get(id) else { return true };
        let (kind, link) = (record.kind, record.link.clone());
        if held < self.capacity(kind) {
            return true;
        }
        let Some(head) = shared.first_of(kind, actions) else { return true };
        let others = &shared.workers;
        let is_other_free = others.last_lingering(kind).is_some() || others.last_idle(kind).is_some();
        if !is_other_free && link.has_submitted(&head) {
            return true;
        }
        self.rest(shared, id, held, actions);
        let is_chosen = shared.workers.get(id).is_some_and(|record| record.state == WorkerState::Woken);
        if is_chosen {
            shared.workers.set_state(id, WorkerState::Busy);
        }
        is_chosen
    }

    /// The worker that has room for the first task of `kind` without that lying on top of another's.
    pub(crate) fn partial_beside(
        &self,
        shared: &mut Shared<W>,
        kind: Kind,
        free: bool,
        actions: &mut Actions<W>,
    ) -> Option<WorkerId> {
        if !shared.workers.has_partial(kind) {
            return None;
        }
        let head = shared.first_of(kind, actions)?;
        let capacity = self.capacity(kind);
        let is_beside = |record: &Record<W>| record.held.len() < capacity || record.link.has_submitted(&head);
        shared.workers.last_partial(kind, free, is_beside)
    }

    /// The worker that takes the first task of `kind` on top of another, unless a worker comes for each that
    /// waits.
    pub(crate) fn partial_on_top(
        &self,
        shared: &mut Shared<W>,
        kind: Kind,
        free: bool,
        actions: &mut Actions<W>,
    ) -> Option<WorkerId> {
        let id = shared.workers.last_partial(kind, free, |_| true)?;
        let k = kind as usize;
        if shared.starts[k].is_slow || shared.claimable(kind) > shared.workers.coming(kind) {
            return Some(id);
        }
        if shared.starts[k].preference.is_none() {
            shared.starts[k].preference = Some(self.pause(START_LIMIT, actions));
        }
        None
    }
}

impl<W: Work> Shared<W> {
    /// The task that comes next of those of `kind` that any worker may begin.
    fn first_of(&mut self, kind: Kind, actions: &mut Actions<W>) -> Option<Arc<Task<W>>> {
        let in_lane = self.lanes[kind as usize].head(&mut actions.removed);
        if self.keyed.is_empty() || kind != self.keyed.kind {
            return in_lane.map(|(_, task)| task.clone());
        }
        let first = [in_lane, self.keyed.first_open()].into_iter().flatten().min_by_key(|(place, _)| *place);
        first.map(|(_, task)| task.clone())
    }
}
