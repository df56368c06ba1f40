//! Which task a worker gets, and when it lingers, rests or leaves instead.
//!
//! A worker claims when it is woken and after each task. It gets the first task of its kind, if the budget
//! allows it. That a worker is woken for each task is the job of `rebalance`.

use std::sync::Arc;

use crate::scheduler::actions::Actions;
use crate::scheduler::pool::{Pool, Shared};
use crate::scheduler::worker::Next;
use crate::task::task::Task;
use crate::task::work::{Kind, Work, WorkerId};
use crate::workers::state::WorkerState;

impl<W: Work> Pool<W> {
    /// Gives worker `id` its next task; what [`Worker::next`](crate::Worker::next) does under the mutex.
    // Once for each task, from two places; as a call it costs each some fifty instructions.
    #[inline(always)]
    pub(crate) fn claim(
        &self,
        shared: &mut Shared<W>,
        id: WorkerId,
        ready: &dyn Fn(u32) -> bool,
        actions: &mut Actions<W>,
    ) -> Next<W> {
        let next = self.find_next(shared, id, ready, actions);
        self.wake_others(shared, id, actions);
        self.see_to_warm_ups(shared, actions);
        next
    }

    /// Wakes those that linger while tasks still wait: several have come at once, and one was claimed.
    fn wake_others(&self, shared: &mut Shared<W>, id: WorkerId, actions: &mut Actions<W>) {
        let Some(kind) = shared.workers.get(id).map(|record| record.kind) else { return };
        if shared.workers.last_lingering(kind).is_some() && shared.claimable(kind) > 0 {
            self.rebalance(shared, actions);
        }
    }

    /// Has worker `id`, which has found nothing, linger instead of resting, if it holds nothing and no other
    /// worker wants its place. Says whether it does.
    pub(crate) fn linger(&self, shared: &mut Shared<W>, id: WorkerId) -> bool {
        let may = shared.is_open() && shared.queued() == 0 && shared.workers.active < shared.max_workers;
        let is_idle = shared.workers.get(id).is_some_and(|record| record.state == WorkerState::Idle);
        if may && is_idle {
            shared.workers.take_place(id);
            shared.workers.set_state(id, WorkerState::Lingering);
        }
        may && is_idle
    }

    #[inline(always)]
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
        let (kind, held, claimed) = (record.kind, record.held.len(), record.counted());
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
        let over = !shared.may_get_more() && shared.waiting(kind) == 0;
        let is_surplus = held == 0 && shared.has_surplus(kind);
        if (is_at_limit || over || is_surplus) && !is_pinned {
            return self.stop_claiming(shared, id, held, actions);
        }
        let is_hurried = shared.lanes[kind as usize].hurried() > 0;
        let may_run = self.may_run(shared, id, kind, held, actions);
        if is_pinned {
            let next = if may_run { self.claim_pinned(shared, id, ready, actions) } else { None };
            if next.is_some() {
                // What else it was woken for needs another worker.
                self.rebalance(shared, actions);
            }
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
        if may_run
            && !shared.keyed.is_empty()
            && let Some(next) = self.claim_keyed(shared, id, ready, actions)
        {
            return next;
        }
        if may_run && !self.takes_on_top(shared, id, held, actions) {
            return Next::Nothing;
        }
        // What a worker blocks for takes that worker's place; see `limited_wait`.
        let next =
            if may_run || is_hurried { self.claim_in_lane(shared, id, kind, ready, actions) } else { None };
        next.unwrap_or_else(|| {
            self.rest(shared, id, held, actions);
            Next::Nothing
        })
    }

    /// Gives worker `id` the first task of its lane.
    #[inline(always)]
    fn claim_in_lane(
        &self,
        shared: &mut Shared<W>,
        id: WorkerId,
        kind: Kind,
        ready: &dyn Fn(u32) -> bool,
        actions: &mut Actions<W>,
    ) -> Option<Next<W>> {
        let (_, head) = shared.lanes[kind as usize].head(&mut actions.removed)?;
        let needs = head.needs();
        if needs != 0 && !ready(needs) {
            shared.lanes[kind as usize].note_preparing(id);
            return Some(self.prepare(shared, id, needs, false, actions));
        }
        shared.workers.take_place(id);
        self.run_first(shared, id, kind, actions)
    }

    /// Worker `id` is to make ready what its next task needs; `is_own`, if only it may begin that. A worker
    /// that holds nothing does so outside the budget.
    pub(crate) fn prepare(
        &self,
        shared: &mut Shared<W>,
        id: WorkerId,
        needs: u32,
        is_own: bool,
        actions: &mut Actions<W>,
    ) -> Next<W> {
        shared.workers.set_state(id, WorkerState::Preparing);
        if is_own {
            shared.workers.note_for_own(id);
        }
        if shared.workers.get(id).is_some_and(|record| record.held.is_empty()) {
            shared.workers.leave_place(id);
        }
        self.rebalance(shared, actions);
        Next::Prepare(needs)
    }

    /// Whether the budget lets worker `id` claim now.
    pub(crate) fn may_run(
        &self,
        shared: &mut Shared<W>,
        id: WorkerId,
        kind: Kind,
        held: usize,
        actions: &mut Actions<W>,
    ) -> bool {
        let (active, most) = (shared.workers.active, shared.max_workers);
        if active < most {
            return true;
        }
        let placed = shared.workers.get(id).is_some_and(|record| record.has_place);
        // Where a worker that resumed exceeds the budget, the first one that holds nothing gives its place
        // up.
        let pinned = shared.workers.get(id).is_some_and(|record| !record.pinned.is_empty());
        // Where the pool has become smaller, those that hold tasks do so as well: they might never run dry.
        let may_keep = active == most || (held > 0 && (pinned || !shared.is_shrinking()));
        // What is pinned was the first task of all when the worker was reserved for it.
        let is_first = pinned || !shared.pinned_needs_place();
        placed && may_keep && is_first && (pinned || !self.should_yield(shared, id, kind, actions))
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
        if task.needs_handover || task.is_for_worker {
            return self.take_pinned(shared, id, task, actions);
        }
        if record.kind != task.kind() || record.state.claims_nothing() {
            return None;
        }
        if task.key.is_some() {
            return shared.take_keyed(id, task, actions);
        }
        shared.bring_back(task, actions);
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
        let (kind, claimed) = (record.kind, record.counted());
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
        // What waits for this one goes elsewhere.
        shared.keyed.forget_home(id);
        if held == 0 {
            shared.workers.leave_place(id);
            shared.workers.set_state(id, WorkerState::Leaving);
        } else {
            // What its tasks wait for another worker must run, and may need this place for it.
            if shared.workers.get(id).is_some_and(|record| record.suspended > 0) {
                shared.workers.leave_place(id);
            }
            shared.workers.lend_for(id);
            // It can be woken for what only it may run.
            shared.workers.wear_out(id);
            shared.workers.set_state(id, WorkerState::Partial);
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
}
