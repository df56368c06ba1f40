//! Which task a worker gets, and when it lingers, rests or leaves instead.
//!
//! A worker claims when it is woken and after each task. It gets the first task of its kind, if the budget
//! allows it. That a worker is woken for each task is the job of `rebalance`.

use std::sync::Arc;
use std::time::Instant;

use crate::scheduler::actions::Actions;
use crate::scheduler::pool::{Pool, Shared};
use crate::scheduler::worker::Next;
use crate::task::outcome::Outcome;
use crate::task::task::Task;
use crate::task::work::{Kind, Work, WorkerId};
use crate::workers::state::WorkerState;

impl<W: Work> Pool<W> {
    /// Gives worker `id` its next task; what [`Worker::next`](crate::Worker::next) does under the mutex.
    pub(crate) fn claim(
        &self,
        shared: &mut Shared<W>,
        id: WorkerId,
        ready: &dyn Fn(u32) -> bool,
        actions: &mut Actions<W>,
    ) -> Next<W> {
        let next = self.find_next(shared, id, ready, actions);
        self.wake_others(shared, id, actions);
        next
    }

    /// Wakes those that linger while tasks still wait: several have come at once, and one was claimed.
    fn wake_others(&self, shared: &mut Shared<W>, id: WorkerId, actions: &mut Actions<W>) {
        let Some(kind) = shared.workers.get(id).map(|record| record.kind) else { return };
        if shared.workers.last_lingering(kind).is_some() && shared.lanes[kind as usize].len() > 0 {
            self.rebalance(shared, actions);
        }
    }

    /// Has worker `id`, which has found nothing, linger instead of resting, if it holds nothing and no other
    /// worker wants its place. Says whether it does.
    pub(crate) fn linger(&self, shared: &mut Shared<W>, id: WorkerId) -> bool {
        let may = shared.is_open() && shared.queued() == 0 && shared.workers.active < self.config.max_workers;
        let is_idle = shared.workers.get(id).is_some_and(|record| record.state == WorkerState::Idle);
        if may && is_idle {
            shared.workers.take_place(id);
            shared.workers.set_state(id, WorkerState::Lingering);
        }
        may && is_idle
    }

    fn find_next(
        &self,
        shared: &mut Shared<W>,
        id: WorkerId,
        ready: &dyn Fn(u32) -> bool,
        actions: &mut Actions<W>,
    ) -> Next<W> {
        let Some(record) = shared.workers.get(id) else { return Next::Leave };
        if record.state.is_over() {
            return Next::Leave;
        }
        if record.state == WorkerState::Ending {
            return Next::Nothing;
        }
        let (kind, held, claimed) = (record.kind, record.held.len(), record.claimed);
        let is_pinned = !record.pinned.is_empty();
        if record.state == WorkerState::Retiring {
            let next = if is_pinned { self.claim_pinned(shared, id, ready, actions) } else { None };
            return next.unwrap_or_else(|| self.leave_if_done(shared, id, actions));
        }
        if record.state == WorkerState::Reserved && !is_pinned {
            return Next::Nothing;
        }
        let capacity = self.capacity(kind) + record.suspended as usize;
        shared.end_trial(kind, id);
        shared.workers.set_state(id, WorkerState::Busy);
        if held >= capacity {
            // If it was woken, another worker has to be.
            self.rebalance(shared, actions);
            return Next::Nothing;
        }
        let is_at_limit = self.has_reached_task_limit(kind, claimed);
        let over = !shared.is_open() && shared.waiting(kind) == 0;
        if (is_at_limit || over) && !is_pinned {
            return self.stop_claiming(shared, id, held, actions);
        }
        let is_hurried = shared.lanes[kind as usize].hurried() > 0;
        let may_run = self.may_run(shared, id, kind, held, actions);
        if is_pinned {
            let next = if may_run { self.claim_pinned(shared, id, ready, actions) } else { None };
            return next.unwrap_or_else(|| {
                self.rest(shared, id, held, actions);
                Next::Nothing
            });
        }
        if may_run && kind == self.config.handover_kind && shared.transit_is_first(actions) {
            self.reserve(shared, id, actions);
            self.rebalance(shared, actions);
            return Next::Nothing;
        }
        if may_run && !self.takes_on_top(shared, id, held, actions) {
            return Next::Nothing;
        }
        // What a worker blocks for takes that worker's place; see `limited_wait`.
        if (may_run || is_hurried)
            && let Some((_, head)) = shared.lanes[kind as usize].head(&mut actions.removed)
        {
            let needs = head.needs();
            if needs != 0 && !ready(needs) {
                shared.lanes[kind as usize].note_preparing(id);
                shared.workers.set_state(id, WorkerState::Preparing);
                if held == 0 {
                    shared.workers.leave_place(id);
                }
                self.rebalance(shared, actions);
                return Next::Prepare(needs);
            }
            shared.workers.take_place(id);
            if let Some(next) = self.run_first(shared, id, kind, actions) {
                return next;
            }
        }
        self.rest(shared, id, held, actions);
        Next::Nothing
    }

    /// Whether the budget lets worker `id` claim now.
    fn may_run(
        &self,
        shared: &mut Shared<W>,
        id: WorkerId,
        kind: Kind,
        held: usize,
        actions: &mut Actions<W>,
    ) -> bool {
        let (active, most) = (shared.workers.active, self.config.max_workers);
        if active < most {
            return true;
        }
        let placed = shared.workers.get(id).is_some_and(|record| record.has_place);
        // Where a worker that resumed exceeds the budget, the first one that holds nothing gives its place
        // up.
        let pinned = shared.workers.get(id).is_some_and(|record| !record.pinned.is_empty());
        // What is pinned was the first task of all when the worker was reserved for it.
        placed && (held > 0 || active == most) && (pinned || !self.should_yield(shared, kind, actions))
    }

    fn run_first(
        &self,
        shared: &mut Shared<W>,
        id: WorkerId,
        kind: Kind,
        actions: &mut Actions<W>,
    ) -> Option<Next<W>> {
        let task = shared.lanes[kind as usize].pop()?;
        let work = shared.begin(&task, id, actions.now)?;
        shared.note_room(actions);
        Some(Next::Run(task, work))
    }

    /// Gives worker `id` a task from anywhere in its lane.
    pub(crate) fn claim_waiting(
        &self,
        shared: &mut Shared<W>,
        id: WorkerId,
        task: &Arc<Task<W>>,
        actions: &mut Actions<W>,
    ) -> Option<W> {
        let record = shared.workers.get(id)?;
        if task.needs_handover {
            return self.take_pinned(shared, id, task, actions);
        }
        if record.kind != task.kind() || record.state.claims_nothing() {
            return None;
        }
        // Only a pending task begins; its entry in the lane is a tombstone from then on.
        let work = shared.begin(task, id, actions.now)?;
        shared.lanes[task.kind() as usize].forget(task, &mut actions.removed);
        shared.note_room(actions);
        Some(work)
    }

    /// Makes a worker idle that is between two claims, if it would find nothing. Says whether it did.
    pub(crate) fn rest_if_idle(
        &self,
        shared: &mut Shared<W>,
        id: WorkerId,
        actions: &mut Actions<W>,
    ) -> bool {
        let Some(record) = shared.workers.get(id) else { return false };
        let is_between = matches!(record.state, WorkerState::Busy | WorkerState::Partial);
        let has_nothing = record.held.is_empty() && record.pinned.is_empty() && record.suspended == 0;
        let (kind, claimed) = (record.kind, record.claimed);
        let finds_nothing = is_between
            && has_nothing
            && shared.is_open()
            && shared.waiting(kind) == 0
            && !self.has_reached_task_limit(kind, claimed);
        if finds_nothing {
            self.rest(shared, id, 0, actions);
        }
        finds_nothing
    }

    /// Whether a worker has claimed as many tasks as it may.
    fn has_reached_task_limit(&self, kind: Kind, claimed: u64) -> bool {
        kind != Kind::Native && self.config.max_tasks_per_worker.is_some_and(|most| claimed >= most)
    }

    /// A worker has found nothing: it gives up its place, unless it holds tasks of which none waits for a
    /// future.
    pub(crate) fn rest(&self, shared: &mut Shared<W>, id: WorkerId, held: usize, actions: &mut Actions<W>) {
        if held == 0 || shared.workers.get(id).is_some_and(|record| record.suspended > 0) {
            shared.workers.leave_place(id);
        }
        shared.workers.set_state(id, if held == 0 { WorkerState::Idle } else { WorkerState::Partial });
        self.rebalance(shared, actions);
    }

    /// A worker that must not claim again leaves, once it holds nothing.
    fn stop_claiming(
        &self,
        shared: &mut Shared<W>,
        id: WorkerId,
        held: usize,
        actions: &mut Actions<W>,
    ) -> Next<W> {
        if held == 0 {
            shared.workers.leave_place(id);
            shared.workers.set_state(id, WorkerState::Leaving);
        } else {
            // What its tasks wait for another worker must run, and may need this place for it.
            if shared.workers.get(id).is_some_and(|record| record.suspended > 0) {
                shared.workers.leave_place(id);
            }
            shared.workers.lend_for(id);
        }
        self.rebalance(shared, actions);
        if held == 0 { Next::Leave } else { Next::Nothing }
    }

    /// A worker that [retires](Pool::retire) leaves once nothing that it holds can end any more, and nothing
    /// is on its way to it.
    fn leave_if_done(&self, shared: &mut Shared<W>, id: WorkerId, actions: &mut Actions<W>) -> Next<W> {
        if shared.has_unsettled(id) || shared.is_assigned(id) {
            return Next::Nothing;
        }
        shared.workers.set_state(id, WorkerState::Leaving);
        self.rebalance(shared, actions);
        Next::Leave
    }

    pub(crate) fn capacity(&self, kind: Kind) -> usize {
        if kind == Kind::Native { 1 } else { self.config.tasks_per_worker }
    }

    pub(crate) fn capacity_of(&self, shared: &mut Shared<W>, id: WorkerId) -> usize {
        shared.workers.get(id).map_or(1, |record| self.capacity(record.kind))
    }

    /// Takes a finished task off its worker's list and settles it.
    pub(crate) fn settle_held(
        &self,
        shared: &mut Shared<W>,
        id: WorkerId,
        task: &Arc<Task<W>>,
        outcome: Outcome<W>,
        actions: &mut Actions<W>,
    ) {
        if let Some(record) = shared.workers.get(id) {
            record.held.retain(|other| !Arc::ptr_eq(other, task));
        }
        shared.conclude(task, outcome, actions);
    }
}

impl<W: Work> Shared<W> {
    /// Worker `id` begins a task that was just taken from its lane, and holds it from now on. `None` if it
    /// has settled.
    pub(crate) fn begin(&mut self, task: &Arc<Task<W>>, id: WorkerId, now: Instant) -> Option<W> {
        let work = task.begin(id, now)?;
        self.running += 1;
        self.wait_time.record(now.saturating_duration_since(task.submitted));
        let mut is_first = false;
        if let Some(record) = self.workers.get(id) {
            record.held.push(task.clone());
            is_first = record.claimed == 0;
            record.claimed += 1;
        }
        if is_first {
            self.note_first_task(task.kind());
        }
        self.clear_suspect(task.kind(), task.needs());
        Some(work)
    }
}
