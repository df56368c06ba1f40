//! Tasks whose arguments only the pool's host can carry to a worker.
//!
//! Such a task is accepted like any other: it is counted, its clocks run, it keeps its place in the order. But no worker
//! may claim it before its arguments have been carried to that worker, and who that is must be known before they are.
//!
//! ```text
//! unsealed ──> waiting ──> carried ──> pinned ──> claimed
//!    ^                                   │
//!    └───────────────────────────────────┘  the worker gave it back
//! ```
//!
//! *Unsealed*: the submitter has a place in the queue and can still take the task back ([`Pool::withdraw`]). *Waiting*: in
//! `waiting`, in the order of the queue. *Carried*: the host has got a worker for it from [`Pool::assign`]. *Pinned*: in the
//! worker's record, after [`Pool::delivered`]; only that worker can claim it, and does so before anything else.
//!
//! A worker that would claim a waiting task is *reserved* instead: it keeps its place in the budget, claims nothing, and
//! the host is told. So a task that was carried runs at once, and never lies behind another one. A host that does not
//! come cannot hold a worker up: after a few milliseconds all reserved workers are free again, and none is reserved until
//! the host has come; then it gets twice as long. So the task also gets its turn where the host is always late and the
//! workers are never idle.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use crate::actions::Actions;
use crate::deadline::{self, Alarm, Limit};
use crate::outcome::Failure;
use crate::pool::{Pool, Shared};
use crate::registry::WorkerState;
use crate::states::State;
use crate::task::Task;
use crate::transit::{CARRIED, FIRST_PATIENCE, MOST_PATIENCE};
use crate::work::{Work, WorkerId};
use crate::worker::{Next, Worker};

/// The end of the host's time.
pub(crate) struct Patience<W: Work>(Weak<Pool<W>>);

impl<W: Work> Alarm for Patience<W> {
    fn ring(self: Arc<Self>, _limit: Limit) {
        let Some(pool) = self.0.upgrade() else { return };
        pool.change(|shared, actions| {
            let is_current = shared.transit.alarm.as_ref().is_some_and(|alarm| Arc::ptr_eq(alarm, &self));
            if is_current {
                shared.transit.is_missing = true;
                shared.transit.patience = (shared.transit.patience * 2).min(MOST_PATIENCE);
                shared.trim_reserved(0);
                pool.rebalance(shared, actions);
            }
        });
    }

    fn is_over(&self) -> bool {
        false
    }
}

impl<W: Work> Pool<W> {
    /// The arguments of a task that is [handed over](crate::Spec::hand_over) are ready to be carried.
    pub fn seal(self: &Arc<Self>, task: &Arc<Task<W>>) {
        self.change(|shared, actions| {
            if shared.transit.forget_unsealed(task) {
                shared.transit.waiting.push(task.clone());
                self.rebalance(shared, actions);
            }
        });
    }

    /// Takes back a task that was not sealed, as if it had never been submitted. False if it has settled.
    pub fn withdraw(self: &Arc<Self>, task: &Arc<Task<W>>) -> bool {
        self.change(|shared, actions| {
            let found = shared.transit.forget_unsealed(task);
            if found {
                // Nobody is told, and it is in no count.
                if let Ok((work, _)) = task.settle(Err(Failure::Cancelled)) {
                    actions.dropped.extend(work);
                }
                shared.note_room(actions);
                self.rebalance(shared, actions);
            }
            found
        })
    }

    /// A worker blocks for this task, which it cannot run itself: it comes before all others. Otherwise the worker that is lent for it would take what
    /// stands before it, block in turn, and so on.
    pub fn expedite(self: &Arc<Self>, task: &Arc<Task<W>>) {
        self.change(|shared, actions| {
            if task.hand_over && task.state() == State::Pending {
                shared.transit.waiting.expedite(task);
                self.rebalance(shared, actions);
            }
        });
    }

    /// For the host: the next task whose arguments are to be carried, and to whom. Call [`Pool::delivered`] right after;
    /// `None` ends the work that [`Host::hand_over`](crate::Host::hand_over) asked for.
    pub fn assign(self: &Arc<Self>) -> Option<(Arc<Task<W>>, WorkerId)> {
        self.change(|shared, actions| {
            shared.transit.is_missing = false;
            shared.transit.alarm = None;
            shared.transit.asked = true;
            self.rebalance(shared, actions);
            let next = shared.next_assignment(actions);
            if next.is_none() {
                shared.transit.asked = false;
            }
            next
        })
    }

    /// The arguments of `task` are where `worker` finds them. If that worker has gone meanwhile the task is lost.
    pub fn delivered(self: &Arc<Self>, task: &Arc<Task<W>>, worker: WorkerId) {
        self.change(|shared, actions| {
            shared.transit.patience = FIRST_PATIENCE;
            let carried = &mut shared.transit.carried;
            let at = carried.iter().position(|(other, _)| Arc::ptr_eq(other, task));
            // Settled meanwhile: the worker is free again.
            let waits = at.map(|at| carried.swap_remove(at)).is_some();
            let link = shared.workers.get(worker).and_then(|record| {
                let lives = !matches!(record.state, WorkerState::Leaving | WorkerState::Abandoned);
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
                    shared.conclude(task, Err(Failure::Lost { exit_code: None, cause: None }), actions);
                    shared.note_room(actions);
                }
                None => shared.set_free(worker),
            }
            self.rebalance(shared, actions);
        });
    }

    /// Keeps worker `id`, which has a place or can have one, free for a waiting task.
    pub(crate) fn reserve(&self, shared: &mut Shared<W>, id: WorkerId, actions: &mut Actions<W>) {
        shared.workers.take_place(id);
        shared.workers.set_state(id, WorkerState::Reserved);
        shared.transit.reserved.push(id);
        actions.hand_over |= !std::mem::replace(&mut shared.transit.asked, true);
        if shared.transit.alarm.is_none() {
            // Anything else that this worker could do meanwhile may block for a task like that one.
            let is_urgent = shared.transit.waiting.is_urgent();
            actions.patience = Some(if is_urgent { MOST_PATIENCE } else { shared.transit.patience });
        }
    }

    /// Limits the time of the host; called once the mutex is released.
    pub(crate) fn limit_patience(self: &Arc<Self>, patience: Duration) {
        let ours = Arc::new(Patience(Arc::downgrade(self)));
        {
            let mut shared = self.state.lock();
            if shared.transit.reserved.is_empty() || shared.transit.alarm.is_some() {
                return;
            }
            shared.transit.alarm = Some(ours.clone());
        }
        let alarm: Arc<dyn Alarm> = ours;
        deadline::add(Instant::now() + patience, Limit::Queue, &alarm);
    }

    /// Reserves or starts a worker for the first waiting task. `None` if there is none to be had.
    pub(crate) fn send_carrier(&self, shared: &mut Shared<W>, actions: &mut Actions<W>) -> Option<bool> {
        let free = shared.workers.active < self.config.max_workers;
        let idle = shared.workers.last_idle(CARRIED).filter(|_| free);
        let worker = shared.workers.last_lingering(CARRIED).or(idle);
        if let Some(id) = worker.or_else(|| shared.workers.last_partial(CARRIED, free)) {
            self.reserve(shared, id, actions);
            return Some(true);
        }
        if free && self.wants_more(shared, CARRIED) {
            shared.workers.starting[CARRIED as usize] += 1;
            actions.start.push(CARRIED);
            return Some(true);
        }
        (!free && self.is_reachable(shared, CARRIED)).then_some(false)
    }

    /// Wakes a worker that had to give up its place before it could claim what is pinned to it.
    pub(crate) fn wake_pinned(&self, shared: &mut Shared<W>, actions: &mut Actions<W>) -> bool {
        if shared.transit.pinned == 0 {
            return false;
        }
        let free = shared.workers.active < self.config.max_workers;
        let sleeper = shared.workers.iter().find(|(_, record)| {
            !record.pinned.is_empty()
                && (free || record.has_place)
                && matches!(record.state, WorkerState::Idle | WorkerState::Partial)
        });
        let Some((id, link)) = sleeper.map(|(id, record)| (id, record.link.clone())) else { return false };
        shared.workers.take_place(id);
        shared.workers.set_state(id, WorkerState::Reserved);
        actions.wake.push(link);
        true
    }

    /// The task that is pinned to worker `id`, for it to run now.
    pub(crate) fn claim_pinned(
        &self,
        shared: &mut Shared<W>,
        id: WorkerId,
        ready: &dyn Fn(u32) -> bool,
        actions: &mut Actions<W>,
    ) -> Option<Next<W>> {
        let record = shared.workers.get(id)?;
        let task = record.pinned.first()?.clone();
        let holds_none = record.held.is_empty();
        if task.needs() != 0 && !ready(task.needs()) {
            shared.workers.set_state(id, WorkerState::Preparing);
            if holds_none {
                shared.workers.leave_place(id);
            }
            self.rebalance(shared, actions);
            return Some(Next::Prepare(task.needs()));
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
        record.held.push(task.clone());
        record.claimed += 1;
        shared.transit.pinned -= 1;
        shared.note_room(actions);
        // What is pinned is pending: whatever settles it takes it out.
        shared.begin(task, id, actions.now)
    }
}

impl<W: Work> Worker<W> {
    /// Gives back what is pinned to a worker that blocks and cannot claim it. The arguments go back with it: the
    /// caller [seals](Pool::seal) each again when the host can have them.
    pub fn give_back(&self) -> Vec<Arc<Task<W>>> {
        let pool = self.pool();
        let mut shared = pool.lock();
        let Some(record) = shared.workers.get(self.id()) else { return Vec::new() };
        if record.pinned.is_empty() {
            return Vec::new();
        }
        let pinned = std::mem::take(&mut record.pinned);
        shared.transit.pinned -= pinned.len();
        shared.transit.unsealed.extend(pinned.iter().cloned());
        pinned
    }
}
