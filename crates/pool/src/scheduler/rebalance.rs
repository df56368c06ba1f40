//! Which workers are woken, and which are started.
//!
//! The promise: while a task waits that some worker could run, and a place in the budget is free, a worker
//! was woken or is being started for it. It is kept by [`Pool::rebalance`], which runs under the mutex after
//! every change that could make a task claimable or a place free. A worker that is woken is marked `Woken`
//! and takes its place before the mutex is released, so it is never counted as free for a second task:
//! "somebody is parked, notify one" would count it twice.

use crate::queue::inbox::Attended;
use crate::queue::lane::Place;
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
        self.max_workers() + MOST_LENT
    }

    /// Wakes and asks for as many workers as the queue needs and the budget allows.
    pub(crate) fn rebalance(&self, shared: &mut Shared<W>, actions: &mut Actions<W>) {
        shared.trim_surplus();
        shared.note_size();
        if !shared.keyed.is_empty() {
            self.leave_homes(shared);
        }
        while self.wake_pinned(shared, actions)
            || self.wake_for_own(shared, actions)
            || self.dispatch_one(shared, actions)
        {}
        self.wake_to_leave(shared, actions);
        self.wake_surplus(shared, actions);
        self.see_to_warm_ups(shared, actions);
        self.start_min_workers(shared, actions);
        self.limit_unwanted_starts(shared, actions);
        self.close_if_done(shared, actions);
    }

    pub(crate) fn dispatch_one(&self, shared: &mut Shared<W>, actions: &mut Actions<W>) -> bool {
        let is_free = shared.workers.active < shared.max_workers;
        let is_over = shared.is_shrinking() && shared.workers.active > shared.max_workers;
        // Those that have a place give it up when they ask.
        let is_over = is_over || (!is_free && shared.pinned_needs_place());
        for kind in shared.kinds_by_head(actions).into_iter().flatten() {
            let k = kind as usize;
            // What a worker blocks for takes that worker's place; see `limited_wait`.
            let free = is_free || shared.lanes[k].hurried() > shared.workers.helping(kind);
            if is_over && !free {
                // Nor do those claim that have a place.
                continue;
            }
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
            if shared.claimable(kind) <= shared.workers.helping(kind) {
                continue;
            }
            // An idle worker before one that holds tasks: two tasks then run in parallel.
            let idle = shared.workers.last_idle(kind).filter(|_| free);
            let worker = shared.workers.last_lingering(kind).or(idle);
            let beside = worker.or_else(|| self.partial_beside(shared, kind, free, actions));
            let wants_more = beside.is_none() && free && self.wants_more(shared, kind);
            // Rather one more of the pool's own than a task on top of one that waits; rather that than one
            // that is lent.
            let is_own = shared.workers.existing(kind) < shared.max_workers;
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
                self.ask_for(shared, kind, actions);
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
            shared.is_open() && self.config.max_queue.is_none() && workers.active >= shared.max_workers;
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

    /// Where nothing more comes, wakes the idle workers of each kind for which nothing waits: when they claim
    /// they are told to leave.
    fn wake_to_leave(&self, shared: &mut Shared<W>, actions: &mut Actions<W>) {
        if shared.may_get_more() {
            return;
        }
        for kind in Kind::ALL {
            if shared.waiting(kind) > 0 {
                continue;
            }
            for id in shared.workers.free_idle(kind) {
                shared.wake(id, actions);
            }
        }
    }

    /// Whether another worker of `kind` would have a task, and may exist.
    pub(crate) fn wants_more(&self, shared: &Shared<W>, kind: Kind) -> bool {
        if self.config.unasked_kind == Some(kind) {
            return false;
        }
        let (k, workers) = (kind as usize, &shared.workers);
        let exists = workers.existing(kind);
        let (waiting, retiring) = (workers.waiting[k], workers.retiring[k]);
        let for_waits = waiting - workers.limited[k].saturating_sub(shared.most_lent_for_limited());
        // Where all wait, and one of them without a limit, only one more can end that. Threads that were lent
        // to waits of a limited time have not used up what the others may have.
        let is_stuck = exists == waiting && waiting > workers.limited[k];
        let lendable = if is_stuck { MOST_LENT } else { (for_waits + retiring).min(MOST_LENT) };
        let most = shared.max_workers + lendable;
        let allowed = exists < workers.allowed[k] && exists + retiring < most;
        let coming = workers.coming(kind);
        if self.wants_for_hurried(shared, kind, shared.lanes[k].hurried()) {
            return true;
        }
        // Those that start and have no task yet take no place.
        let for_tasks = |kind: Kind| {
            let starting = workers.starting[kind as usize];
            starting.min(shared.claimable(kind) + shared.transit.unserved_of(kind))
        };
        let expected = Kind::ALL.map(for_tasks).iter().sum::<usize>();
        let budget_is_open = workers.active + expected < shared.max_workers;
        // The first of its kind is started even when others fill the budget: it gets the next place that is
        // given up. Those whose tasks wait do not count: what they wait for may need another worker.
        let unserved = shared.transit.unserved_of(kind);
        shared.claimable(kind) + unserved > coming && allowed && (exists == waiting || budget_is_open)
    }

    fn start_min_workers(&self, shared: &mut Shared<W>, actions: &mut Actions<W>) {
        if !shared.is_open() {
            return;
        }
        let k = self.config.warm_kind as usize;
        let kept = if shared.starts[k].has_given_up { 0 } else { self.config.min_workers };
        let wanted = kept.max(shared.warm_up_wants()).min(shared.workers.allowed[k]);
        while shared.workers.existing(self.config.warm_kind) < wanted {
            self.ask_for(shared, self.config.warm_kind, actions);
        }
    }

    /// One more worker of `kind` is wanted of the host.
    pub(crate) fn ask_for(&self, shared: &mut Shared<W>, kind: Kind, actions: &mut Actions<W>) {
        shared.workers.starting[kind as usize] += 1;
        shared.asked += u64::from(kind == self.config.warm_kind);
        actions.starts.push(StartAction::Start(kind));
    }

    /// Whether an earlier task of another kind should get the place of a worker of `kind`.
    pub(crate) fn should_yield(
        &self,
        shared: &mut Shared<W>,
        id: WorkerId,
        kind: Kind,
        actions: &mut Actions<W>,
    ) -> bool {
        if self.should_yield_to_own(shared, id, kind, actions) {
            return true;
        }
        let waits = |other| shared.claimable(other) > 0 || shared.transit.unserved_of(other) > 0;
        if !Kind::ALL.into_iter().any(|other| other != kind && waits(other)) {
            return false;
        }
        let own = shared.first_own_of(id);
        for other in shared.kinds_by_head(actions).into_iter().flatten() {
            let comes_later = |own: Place| shared.first_place(other, actions).is_none_or(|first| own < first);
            if other == kind || own.is_some_and(comes_later) {
                return false;
            }
            let in_transit = shared.transit.unserved_of(other) > 0;
            if (in_transit || shared.claimable(other) > shared.workers.helping(other))
                && self.is_reachable(shared, other)
            {
                return true;
            }
        }
        false
    }
}

impl<W: Work> Shared<W> {
    pub(crate) fn wake(&mut self, id: WorkerId, actions: &mut Actions<W>) {
        self.workers.set_state(id, WorkerState::Woken);
        actions.wake.extend(self.workers.get(id).map(|record| record.link.clone()));
    }

    /// The tasks that wait for any worker of `kind`.
    pub(crate) fn waiting(&self, kind: Kind) -> usize {
        let keyed = if kind == self.keyed.kind { self.keyed.total() } else { 0 };
        self.lanes[kind as usize].total() + self.transit.unassigned_of(kind) + keyed
    }

    /// The kinds that have tasks waiting, the one with the first task first.
    fn kinds_by_head(&mut self, actions: &mut Actions<W>) -> [Option<Kind>; Kind::COUNT] {
        let mut heads = [None; Kind::COUNT];
        let mut count = 0;
        for kind in Kind::ALL {
            let mut first = self.first_place(kind, actions);
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
