//! Which workers are woken, and which are started.
//!
//! The promise: while a task waits that some worker could run, and a place in the budget is free, a worker
//! was woken or is being started for it. It is kept by [`Pool::rebalance`], which runs under the mutex after
//! every change that could make a task claimable or a place free. A worker that is woken is marked `Woken`
//! and takes its place before the mutex is released, so it is never counted as free for a second task:
//! "somebody is parked, notify one" would count it twice.

use crate::queue::inbox::Attended;
use crate::scheduler::actions::{Actions, StartAction};
use crate::scheduler::limited_wait::MOST_LENT;
use crate::scheduler::pool::{Pool, Shared};
use crate::task::work::{Kind, Work, WorkerId};
use crate::workers::state::WorkerState;

impl<W: Work> Pool<W> {
    /// How many workers of a kind there can be, with those that are started because tasks block the threads
    /// of others.
    #[must_use]
    pub fn most_workers(&self) -> usize {
        self.config.max_workers + MOST_LENT
    }

    /// Wakes and asks for as many workers as the queue needs and the budget allows.
    pub(crate) fn rebalance(&self, shared: &mut Shared<W>, actions: &mut Actions<W>) {
        shared.trim_surplus();
        while self.wake_pinned(shared, actions) || self.dispatch_one(shared, actions) {}
        self.wake_to_leave(shared, actions);
        self.start_min_workers(shared, actions);
        self.limit_unwanted_starts(shared, actions);
        self.close_if_done(shared, actions);
    }

    fn dispatch_one(&self, shared: &mut Shared<W>, actions: &mut Actions<W>) -> bool {
        let is_free = shared.workers.active < self.config.max_workers;
        for kind in shared.kinds_by_head(actions).into_iter().flatten() {
            let k = kind as usize;
            // What a worker blocks for takes that worker's place; see `limited_wait`.
            let free = is_free || shared.lanes[k].hurried() > shared.workers.woken[k];
            if kind == self.config.handover_kind && shared.transit_is_first(actions) {
                match self.dispatch_for_handover(shared, actions) {
                    Some(true) => return true,
                    Some(false) => {
                        self.end_lingering(shared, actions);
                        return false;
                    }
                    // No worker for what is in the lane either: it would be of the same kind.
                    None => continue,
                }
            }
            if shared.lanes[k].len() <= shared.workers.woken[k] {
                continue;
            }
            // An idle worker before one that holds tasks: two tasks then run in parallel.
            let idle = shared.workers.last_idle(kind).filter(|_| free);
            let worker = shared.workers.last_lingering(kind).or(idle);
            let beside = worker.or_else(|| self.partial_beside(shared, kind, free, actions));
            let wants_more = beside.is_none() && free && self.wants_more(shared, kind);
            // Rather one more of the pool's own than a task on top of one that waits; rather that than one
            // that is lent.
            let is_own = shared.workers.existing(kind) < self.config.max_workers;
            let worker = match beside {
                None if !(wants_more && is_own) => self.partial_on_top(shared, kind, free, actions),
                found => found,
            };
            if let Some(id) = worker {
                shared.workers.take_place(id);
                shared.wake(id, actions);
                return true;
            }
            if wants_more {
                shared.workers.starting[k] += 1;
                actions.starts.push(StartAction::Start(kind));
                return true;
            }
            if !free && self.is_reachable(shared, kind) {
                // The next free place is for this task. Later tasks of other kinds wait, although a worker
                // that holds tasks and has room could claim them without a new place: it would never run dry,
                // and keep its place.
                self.end_lingering(shared, actions);
                return false;
            }
        }
        false
    }

    /// A place is wanted: wakes a worker that lingers, which then gives its own up.
    fn end_lingering(&self, shared: &mut Shared<W>, actions: &mut Actions<W>) {
        let lingering = Kind::ALL.into_iter().find_map(|kind| shared.workers.last_lingering(kind));
        if let Some(id) = lingering {
            shared.wake(id, actions);
        }
    }

    /// For which kinds tasks may be left in the inbox; see there.
    pub(crate) fn attended(&self, shared: &Shared<W>) -> Attended {
        let workers = &shared.workers;
        let may_be_left =
            shared.is_open() && self.config.max_queue.is_none() && workers.active >= self.config.max_workers;
        Kind::ALL.map(|kind| {
            let k = kind as usize;
            // The first of its kind is started even when others fill the budget.
            let is_first = workers.existing(kind) == workers.waiting[k];
            may_be_left && !is_first && !workers.has_partial(kind)
        })
    }

    /// Whether a task of `kind` would have a worker if it had a place.
    pub(crate) fn is_reachable(&self, shared: &Shared<W>, kind: Kind) -> bool {
        shared.workers.last_idle(kind).is_some() || self.wants_more(shared, kind)
    }

    /// In a pool that accepts no more tasks, wakes the idle workers of each kind for which nothing waits:
    /// when they claim they are told to leave.
    fn wake_to_leave(&self, shared: &mut Shared<W>, actions: &mut Actions<W>) {
        if shared.is_open() {
            return;
        }
        for kind in Kind::ALL {
            if shared.waiting(kind) > 0 {
                continue;
            }
            while let Some(id) = shared.workers.last_idle(kind) {
                shared.wake(id, actions);
            }
        }
    }

    /// Whether another worker of `kind` would have a task, and may exist.
    pub(crate) fn wants_more(&self, shared: &Shared<W>, kind: Kind) -> bool {
        let (k, workers) = (kind as usize, &shared.workers);
        let exists = workers.existing(kind);
        let (waiting, retiring) = (workers.waiting[k], workers.retiring[k]);
        let for_waits = waiting - workers.limited[k].saturating_sub(self.most_lent_for_limited());
        let most = self.config.max_workers + (for_waits + retiring).min(MOST_LENT);
        let allowed = exists < workers.allowed[k] && exists + retiring < most;
        let coming = workers.coming(kind);
        if self.wants_for_hurried(shared, kind, shared.lanes[k].hurried()) {
            return true;
        }
        let budget_is_open =
            workers.active + workers.starting.iter().sum::<usize>() < self.config.max_workers;
        // The first of its kind is started even when others fill the budget: it gets the next place that is
        // given up. Those whose tasks wait do not count: what they wait for may need another worker.
        let unserved = shared.transit.unserved_of(kind);
        shared.lanes[k].len() + unserved > coming && allowed && (exists == waiting || budget_is_open)
    }

    fn start_min_workers(&self, shared: &mut Shared<W>, actions: &mut Actions<W>) {
        let k = self.config.warm_kind as usize;
        let wanted = self.config.min_workers.min(shared.workers.allowed[k]);
        while shared.is_open()
            && !shared.starts[k].has_given_up
            && shared.workers.existing(self.config.warm_kind) < wanted
        {
            shared.workers.starting[k] += 1;
            actions.starts.push(StartAction::Start(self.config.warm_kind));
        }
    }

    /// Whether an earlier task of another kind should get the place of a worker of `kind`.
    pub(crate) fn should_yield(&self, shared: &mut Shared<W>, kind: Kind, actions: &mut Actions<W>) -> bool {
        let waits = |other| shared.lanes[other as usize].len() > 0 || shared.transit.unserved_of(other) > 0;
        if !Kind::ALL.into_iter().any(|other| other != kind && waits(other)) {
            return false;
        }
        for other in shared.kinds_by_head(actions).into_iter().flatten() {
            if other == kind {
                return false;
            }
            let k = other as usize;
            let in_transit = shared.transit.unserved_of(other) > 0;
            if (in_transit || shared.lanes[k].len() > shared.workers.woken[k])
                && self.is_reachable(shared, other)
            {
                return true;
            }
        }
        false
    }
}

impl<W: Work> Shared<W> {
    fn wake(&mut self, id: WorkerId, actions: &mut Actions<W>) {
        self.workers.set_state(id, WorkerState::Woken);
        actions.wake.extend(self.workers.get(id).map(|record| record.link.clone()));
    }

    /// The tasks that wait for any worker of `kind`.
    pub(crate) fn waiting(&self, kind: Kind) -> usize {
        self.lanes[kind as usize].total() + self.transit.unassigned_of(kind)
    }

    /// The kinds that have tasks waiting, the one with the first task first.
    fn kinds_by_head(&mut self, actions: &mut Actions<W>) -> [Option<Kind>; Kind::COUNT] {
        let mut heads = [None; Kind::COUNT];
        let mut count = 0;
        for kind in Kind::ALL {
            let lane = &mut self.lanes[kind as usize];
            let mut first = None;
            if lane.len() > 0 {
                first = lane.head(&mut actions.removed).map(|(place, _)| place);
            }
            if self.transit.unserved_of(kind) > 0 {
                let in_transit = self.transit.head(&mut actions.removed);
                first = [first, in_transit].into_iter().flatten().min();
            }
            if let Some(place) = first {
                heads[count] = Some((place, kind as usize));
                count += 1;
            }
        }
        if count > 1 {
            heads[..count].sort_unstable();
        }
        heads.map(|head| head.map(|(_, k)| Kind::ALL[k]))
    }
}
