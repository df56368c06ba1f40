//! Tasks that need a handover: tasks whose payload only the pool's host can bring to a worker.
//!
//! Such a task is accepted like any other: it is counted, its clocks run, it keeps its place in the order.
//! But no worker may claim it before its payload has been handed over to that worker, and the host must know
//! the worker before that.
//!
//! ```text
//! unready ──> waiting ──> assigned ──> pinned ──> claimed
//!    ^                                   │
//!    └───────────────────────────────────┘  the worker gave it back
//! ```
//!
//! *Unready*: the submitter has a place in the queue and can still take the task back ([`Pool::withdraw`]).
//! *Waiting*, after [`Pool::payload_ready`]: in `Transit::waiting`, in the order of the queue. *Assigned*:
//! the host has got a worker for it from [`Pool::assign`]. *Pinned*: in the worker's record, after
//! [`Pool::delivered`]; only that worker can claim it, and does so before anything else.
//!
//! A worker that would claim a waiting task is *reserved* instead: it keeps its place in the budget, claims
//! nothing, and the host is told. So a task that was handed over runs at once, and never waits behind another
//! one. A host that does not come cannot keep a worker from other tasks: after a few milliseconds all
//! reserved workers are free again, and none is reserved until the host has come; then it gets twice as long.
//! So the task also gets its turn where the host is always late and the workers are never idle.

use std::sync::Arc;

use crate::queue::transit::FIRST_RESERVATION;
use crate::scheduler::actions::Actions;
use crate::scheduler::pool::{Pool, Shared};
use crate::scheduler::worker::{Next, Worker};
use crate::task::outcome::Failure;
use crate::task::states::State;
use crate::task::task::Task;
use crate::task::work::{Work, WorkerId};
use crate::workers::state::WorkerState;

impl<W: Work> Pool<W> {
    /// The payload of a task that [needs a handover](crate::Spec::needs_handover) is where the host finds it.
    pub fn payload_ready(self: &Arc<Self>, task: &Arc<Task<W>>) {
        self.change(|shared, actions| {
            if shared.transit.remove_unready(task) {
                shared.transit.waiting.push(task.clone());
                self.rebalance(shared, actions);
            }
        });
    }

    /// Takes back a task whose payload is not [ready](Self::payload_ready), as if it had never been
    /// submitted. False if it has settled.
    pub fn withdraw(self: &Arc<Self>, task: &Arc<Task<W>>) -> bool {
        self.change(|shared, actions| {
            let found = shared.transit.remove_unready(task);
            if found {
                // It is neither announced nor counted.
                if let Ok((work, _)) = task.settle(Err(Failure::Cancelled)) {
                    actions.dropped.extend(work);
                }
                shared.note_room(actions);
                self.rebalance(shared, actions);
            }
            found
        })
    }

    /// A worker blocks for this task, which it cannot run itself: the task comes before all others. Otherwise
    /// the worker that is started for it would claim the task that stands before it, which may block for a
    /// third, and so on.
    pub fn expedite(self: &Arc<Self>, task: &Arc<Task<W>>) {
        self.change(|shared, actions| {
            if task.needs_handover && task.state() == State::Pending {
                shared.transit.waiting.expedite(task);
                self.rebalance(shared, actions);
            }
        });
    }

    /// For the host: the next task to hand over, and to which worker. Call [`Pool::delivered`] right after
    /// that. `None` ends what [`Host::hand_over`](crate::Host::hand_over) asked for.
    pub fn assign(self: &Arc<Self>) -> Option<(Arc<Task<W>>, WorkerId)> {
        self.change(|shared, actions| {
            shared.transit.host_is_late = false;
            shared.transit.alarm = None;
            shared.transit.host_was_asked = true;
            self.rebalance(shared, actions);
            let next = shared.next_assignment(actions);
            if next.is_none() {
                shared.transit.host_was_asked = false;
            }
            next
        })
    }

    /// The payload of `task` is where `worker` finds it. If that worker has ended meanwhile the task is lost.
    pub fn delivered(self: &Arc<Self>, task: &Arc<Task<W>>, worker: WorkerId) {
        self.change(|shared, actions| {
            shared.transit.reservation_limit = FIRST_RESERVATION;
            let assigned = &mut shared.transit.assigned;
            let at = assigned.iter().position(|(other, _)| Arc::ptr_eq(other, task));
            // If not, the task has settled meanwhile, and the worker is free again.
            let waits = at.map(|at| assigned.swap_remove(at)).is_some();
            let link = shared.workers.get(worker).and_then(|record| {
                if record.state == WorkerState::Retiring && !waits {
                    // It may have waited for this before it leaves.
                    actions.wake.push(record.link.clone());
                }
                let lives = !record.state.is_over();
                (lives && waits).then(|| {
                    record.pinned.push(task.clone());
                    record.link.clone()
                })
            });
            match link {
                Some(link) => {
                    shared.transit.pinned += 1;
                    actions.wake.push(link);
                }
                None if waits => {
                    shared.conclude(task, Err(Failure::Lost { exit: None, cause: None }), actions);
                    shared.note_room(actions);
                }
                None => shared.set_free(worker),
            }
            self.rebalance(shared, actions);
        });
    }

    /// The worker's thread is ending by itself: it claims nothing more, and the host is given no payload for
    /// it. Whether another is started in its stead is decided when it detaches. Says whether the host is
    /// bringing it a payload.
    pub fn note_ending(self: &Arc<Self>, id: WorkerId) -> bool {
        self.change(|shared, actions| {
            let Some(record) = shared.workers.get(id).filter(|record| !record.state.is_over()) else {
                return false;
            };
            let kind = record.kind;
            shared.end_trial(kind, id);
            shared.unreserve(id);
            shared.workers.set_state(id, WorkerState::Ending);
            self.rebalance(shared, actions);
            shared.is_assigned(id)
        })
    }

    /// Reserves or starts a worker for the first waiting task. `Some(false)` if there is one, but no place
    /// for it; `None` if there is no worker to be had.
    pub(crate) fn dispatch_for_handover(
        &self,
        shared: &mut Shared<W>,
        actions: &mut Actions<W>,
    ) -> Option<bool> {
        let kind = self.config.handover_kind;
        let free = shared.workers.active < shared.max_workers;
        let idle = shared.workers.last_idle(kind).filter(|_| free);
        let worker = shared.workers.last_lingering(kind).or(idle);
        if let Some(id) = worker.or_else(|| shared.workers.last_partial(kind, free, |_| true)) {
            self.reserve(shared, id, actions);
            return Some(true);
        }
        if free && self.wants_more(shared, kind) {
            self.ask_for(shared, kind, actions);
            return Some(true);
        }
        (!free && self.is_reachable(shared, kind)).then_some(false)
    }

    /// Wakes a worker that gave up its place before it claimed what is pinned to it.
    pub(crate) fn wake_pinned(&self, shared: &mut Shared<W>, actions: &mut Actions<W>) -> bool {
        if shared.transit.pinned == 0 {
            return false;
        }
        let free = shared.workers.active < shared.max_workers;
        let sleeper = shared.workers.iter().find(|(_, record)| {
            !record.pinned.is_empty()
                && (free || record.has_place)
                && matches!(record.state, WorkerState::Idle | WorkerState::Partial | WorkerState::Lingering)
        });
        let Some((id, link)) = sleeper.map(|(id, record)| (id, record.link.clone())) else { return false };
        shared.workers.take_place(id);
        shared.workers.set_state(id, WorkerState::Reserved);
        actions.wake.push(link);
        true
    }

    /// Claims the task that is pinned to worker `id`.
    pub(crate) fn claim_pinned(
        &self,
        shared: &mut Shared<W>,
        id: WorkerId,
        ready: &dyn Fn(u32) -> bool,
        actions: &mut Actions<W>,
    ) -> Option<Next<W>> {
        let record = shared.workers.get(id)?;
        let task = record.pinned.first()?.clone();
        if task.needs() != 0 && !ready(task.needs()) {
            return Some(self.prepare(shared, id, task.needs(), false, actions));
        }
        shared.workers.take_place(id);
        let work = self.take_pinned(shared, id, &task, actions)?;
        Some(Next::Run(task, work))
    }

    /// Begins a task that is pinned to worker `id`.
    pub(crate) fn take_pinned(
        &self,
        shared: &mut Shared<W>,
        id: WorkerId,
        task: &Arc<Task<W>>,
        actions: &mut Actions<W>,
    ) -> Option<W> {
        let record = shared.workers.get(id)?;
        let at = record.pinned.iter().position(|other| Arc::ptr_eq(other, task))?;
        record.pinned.remove(at);
        shared.transit.pinned -= 1;
        shared.note_room(actions);
        // What is pinned is pending: whatever settles it takes it out of the record.
        shared.begin(task, id, actions.now)
    }
}

impl<W: Work> Shared<W> {
    /// Whether a waiting task of `transit` comes before everything that waits in the lane of its kind.
    pub(crate) fn transit_is_first(&mut self, actions: &mut Actions<W>) -> bool {
        let Some(place) = self.transit.head(&mut actions.removed) else { return false };
        let kind = self.transit.kind;
        // What is in the lane may have its worker already.
        if self.claimable(kind) <= self.workers.helping(kind) {
            return true;
        }
        self.first_place(kind, actions).is_none_or(|first| place < first)
    }

    /// Whether the host is bringing a payload to worker `id`.
    pub(crate) fn is_assigned(&self, id: WorkerId) -> bool {
        self.transit.assigned.iter().any(|(_, worker)| *worker == id)
    }

    pub(crate) fn next_assignment(&mut self, actions: &mut Actions<W>) -> Option<(Arc<Task<W>>, WorkerId)> {
        let worker = *self.transit.reserved.last()?;
        // Drops the tombstones before it.
        self.transit.waiting.head(&mut actions.removed)?;
        let task = self.transit.waiting.pop()?;
        self.transit.reserved.pop();
        self.transit.assigned.push((task.clone(), worker));
        Some((task, worker))
    }

    /// A task that waits was settled: takes it out of wherever it is.
    pub(crate) fn forget_in_transit(&mut self, task: &Arc<Task<W>>, actions: &mut Actions<W>) {
        if self.transit.remove_unready(task) {
            return;
        }
        if let Some(at) = self.transit.assigned.iter().position(|(other, _)| Arc::ptr_eq(other, task)) {
            // The worker is freed by `delivered`.
            self.transit.assigned.swap_remove(at);
            return;
        }
        if !self.unpin(task) {
            self.transit.waiting.forget(task, &mut actions.removed);
        }
    }

    /// Takes a task off the worker to which it is pinned, which is kept free no longer if that was all. Says
    /// whether it was pinned to one.
    pub(crate) fn unpin(&mut self, task: &Arc<Task<W>>) -> bool {
        let holds = |pinned: &[Arc<Task<W>>]| pinned.iter().any(|other| Arc::ptr_eq(other, task));
        let holder = self.workers.iter().find(|(_, record)| holds(&record.pinned)).map(|(id, _)| id);
        let Some(id) = holder else { return false };
        if let Some(record) = self.workers.get(id) {
            record.pinned.retain(|other| !Arc::ptr_eq(other, task));
        }
        self.transit.pinned -= 1;
        if self.workers.get(id).is_some_and(|record| record.pinned.is_empty()) {
            self.set_free(id);
        }
        true
    }

    /// Takes every task that was not claimed, wherever it is.
    pub(crate) fn drain_transit(&mut self, actions: &mut Actions<W>) -> Vec<Arc<Task<W>>> {
        let mut all = std::mem::take(&mut self.transit.unready);
        all.extend(self.transit.waiting.drain(&mut actions.removed));
        // The other reservations end with the next rebalancing.
        for (task, worker) in std::mem::take(&mut self.transit.assigned) {
            self.set_free(worker);
            all.push(task);
        }
        if self.transit.pinned > 0 {
            let ids: Vec<WorkerId> = self.workers.iter().map(|(id, _)| id).collect();
            for id in ids {
                let pinned = self.workers.get(id).map(|record| std::mem::take(&mut record.pinned));
                if let Some(pinned) = pinned.filter(|pinned| !pinned.is_empty()) {
                    self.transit.pinned -= pinned.len();
                    all.extend(pinned);
                    self.set_free(id);
                }
            }
        }
        all
    }
}

impl<W: Work> Worker<W> {
    /// Gives back what is pinned to a worker that blocks and cannot claim it. The payloads go back with the
    /// tasks: for each the caller says [`Pool::payload_ready`] again, once the host can have it.
    pub fn give_back(&self) -> Vec<Arc<Task<W>>> {
        self.give_back_but(|_| false)
    }

    /// The same for a worker that ends, but for the tasks that are to be lost with it. The host may be
    /// bringing more: a worker that [ends](Pool::note_ending) gets no others.
    pub fn give_back_but(&self, mut keep: impl FnMut(&Arc<Task<W>>) -> bool) -> Vec<Arc<Task<W>>> {
        let pool = self.pool();
        let mut shared = pool.lock();
        let Some(record) = shared.workers.get(self.id()) else { return Vec::new() };
        if record.pinned.is_empty() {
            return Vec::new();
        }
        let (kept, pinned): (Vec<_>, Vec<_>) =
            std::mem::take(&mut record.pinned).into_iter().partition(|task| task.is_for_worker || keep(task));
        record.pinned = kept;
        shared.transit.pinned -= pinned.len();
        shared.transit.unready.extend(pinned.iter().cloned());
        pinned
    }
}
