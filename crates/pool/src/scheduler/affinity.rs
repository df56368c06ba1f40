//! Tasks that have a key: those of one key run on one worker, one after another.
//!
//! Where they wait is `queue::keyed`. A task that any worker may begin comes in the order of its lane, as if
//! it were in it. One that only its key's home may begin is that worker's own: the worker is sent for it, and
//! whoever asks for its next task looks at its own ones, too, and takes what comes first of both. So a worker
//! that is on its way to a task of its own is no help for any other; see `Registry::for_own`.
//!
//! A place goes to the earliest task, as it does between kinds: a worker that asks while the budget is used
//! up rests if an earlier task waits for a worker that is idle. A task whose worker is busy sends nobody and
//! holds up nobody.

use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::queue::lane::Place;
use crate::scheduler::actions::{Actions, StartAction};
use crate::scheduler::pool::{Pool, Shared};
use crate::scheduler::worker::Next;
use crate::sync::deadline::{Alarm, TimeLimit};
use crate::task::task::Task;
use crate::task::work::{Kind, Work, WorkerId};
use crate::workers::registry::Record;
use crate::workers::state::WorkerState;

/// Forgets the keys that have had no task for long.
struct EndOfKeys<W: Work>(Weak<Pool<W>>);

impl<W: Work> Alarm for EndOfKeys<W> {
    fn expire(self: Arc<Self>, _limit: TimeLimit) {
        if let Some(pool) = self.0.upgrade() {
            pool.change(|shared, actions| {
                shared.keyed.is_watched = false;
                shared.watch_unused(actions);
            });
        }
    }

    fn is_over(&self) -> bool {
        false
    }
}

impl<W: Work> Pool<W> {
    /// The worker that alone may begin this task, which waits; `None` where any may.
    #[must_use]
    pub fn home_of(&self, task: &Task<W>) -> Option<WorkerId> {
        task.key.as_ref()?;
        self.state.lock().keyed.home_of(task)
    }

    /// How many keys are known.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.state.lock().keyed.len()
    }

    /// A task that a worker holds waits for a future, or goes on: meanwhile others of its key may run. Does
    /// nothing for one without a key.
    pub fn note_waits(self: &Arc<Self>, task: &Arc<Task<W>>, waits: bool) {
        if task.has_key() {
            self.change(|shared, actions| {
                shared.keyed.note_waits(task, waits);
                self.rebalance(shared, actions);
            });
        }
    }

    pub(crate) fn push_keyed(&self, shared: &mut Shared<W>, task: Arc<Task<W>>, actions: &Actions<W>) {
        let new = || Arc::new(EndOfKeys(self.weak.clone())) as Arc<dyn Alarm>;
        shared.keyed.alarm.get_or_insert_with(new);
        shared.keyed.push(task, actions.now);
    }

    /// The homes of keys that begin nothing any more are none.
    pub(crate) fn leave_homes(&self, shared: &mut Shared<W>) {
        let workers = &mut shared.workers;
        let is_gone = |id: &WorkerId| workers.get(*id).is_none_or(|record| record.state.claims_nothing());
        let gone: Vec<_> = shared.keyed.homes().filter(is_gone).collect();
        for id in gone {
            shared.keyed.forget_home(id);
        }
    }

    /// Sends a worker for the first task that is its own, unless what `dispatch_one` would send one for comes
    /// first. Says whether it has.
    pub(crate) fn wake_for_own(&self, shared: &mut Shared<W>, actions: &mut Actions<W>) -> bool {
        let free = shared.workers.active < shared.max_workers;
        let Some((place, id, has_place)) = shared.first_sleeper_with_own(None, free) else { return false };
        let others = Kind::ALL.into_iter().filter_map(|kind| shared.first_place(kind, actions)).min();
        if !has_place && others.is_some_and(|other| other < place) && self.dispatch_one(shared, actions) {
            return true;
        }
        if shared.workers.active >= shared.max_workers && !self.may_run_own(shared, id, actions) {
            // It would ask in vain, rest, and be sent again for ever.
            return false;
        }
        shared.workers.take_place(id);
        shared.workers.set_state(id, WorkerState::Woken);
        shared.workers.note_for_own(id);
        actions.wake.extend(shared.workers.get(id).map(|record| record.link.clone()));
        true
    }

    /// Whether worker `id`, which sleeps, would be given a task of its own while all places are taken.
    fn may_run_own(&self, shared: &mut Shared<W>, id: WorkerId, actions: &mut Actions<W>) -> bool {
        let Some((kind, held)) = shared.workers.get(id).map(|record| (record.kind, record.held.len())) else {
            return false;
        };
        self.may_run(shared, id, kind, held, actions)
    }

    /// Whether a worker that asks for its next task should leave its place to one that sleeps, and that an
    /// earlier task waits for.
    pub(crate) fn should_yield_to_own(
        &self,
        shared: &mut Shared<W>,
        id: WorkerId,
        kind: Kind,
        actions: &mut Actions<W>,
    ) -> bool {
        if !shared.keyed.has_own() {
            return false;
        }
        let Some((place, ..)) = shared.first_sleeper_with_own(Some(id), true) else { return false };
        let next = [shared.first_own_of(id), shared.first_place(kind, actions)].into_iter().flatten().min();
        next.is_none_or(|next| place < next)
    }

    /// Gives worker `id`, which may run one more task, the next that has a key, if that comes before what is
    /// in its lane. `None` if it does not.
    pub(crate) fn claim_keyed(
        &self,
        shared: &mut Shared<W>,
        id: WorkerId,
        ready: &dyn Fn(u32) -> bool,
        actions: &mut Actions<W>,
    ) -> Option<Next<W>> {
        let record = shared.workers.get(id)?;
        let (kind, held) = (record.kind, record.held.len());
        if kind != shared.keyed.kind {
            return None;
        }
        let own = shared.own_of(id);
        let open = shared.keyed.first_open().map(|(place, task)| (place, task.clone()));
        let is_own = match (&own, &open) {
            (Some((own, _)), Some((open, _))) => {
                own < open || (own.0 == open.0 && shared.leaves_new_keys(id, kind))
            }
            (own, _) => own.is_some(),
        };
        let (place, task) = if is_own { own? } else { open? };
        let in_lane = shared.lanes[kind as usize].head(&mut actions.removed).map(|(place, _)| place);
        if in_lane.is_some_and(|other| other < place) {
            return None;
        }
        if !is_own && !self.takes_on_top(shared, id, held, actions) {
            return Some(Next::Nothing);
        }
        if task.needs() != 0 && !ready(task.needs()) {
            shared.keyed.suspected.note_preparing(task.needs(), id);
            return Some(self.prepare(shared, id, task.needs(), is_own, actions));
        }
        shared.workers.take_place(id);
        let work = shared.take_keyed(id, &task, actions)?;
        // It was sent for this one, or for one in the lane, which needs another now.
        self.rebalance(shared, actions);
        Some(Next::Run(task, work))
    }
}

impl<W: Work> Shared<W> {
    /// How many tasks of `kind` wait that any worker of that kind may begin.
    #[inline]
    pub(crate) fn claimable(&self, kind: Kind) -> usize {
        let open = if self.keyed.is_empty() || kind != self.keyed.kind { 0 } else { self.keyed.open() };
        self.lanes[kind as usize].len() + open
    }

    /// The place of the first of them.
    pub(crate) fn first_place(&mut self, kind: Kind, actions: &mut Actions<W>) -> Option<Place> {
        let lane = &mut self.lanes[kind as usize];
        let in_lane =
            if lane.len() > 0 { lane.head(&mut actions.removed).map(|(place, _)| place) } else { None };
        if self.keyed.is_empty() || kind != self.keyed.kind {
            return in_lane;
        }
        [in_lane, self.keyed.first_open().map(|(place, _)| place)].into_iter().flatten().min()
    }

    /// The first task that only worker `id` may begin, and may begin now.
    fn own_of(&self, id: WorkerId) -> Option<(Place, Arc<Task<W>>)> {
        self.keyed.first_own(id).map(|(place, task)| (place, task.clone()))
    }

    /// Its place.
    pub(crate) fn first_own_of(&self, id: WorkerId) -> Option<Place> {
        if !self.keyed.has_own() {
            return None;
        }
        self.own_of(id).map(|(place, _)| place)
    }

    /// Whether worker `id` should rather do what is its own than become the home of one more key: because one
    /// that has far fewer is on its way, and only has not come yet. Otherwise a worker whose tasks take a
    /// microsecond would be the home of all keys before the others have woken. It has something to do
    /// meanwhile, so nothing waits for a worker that does not come.
    fn leaves_new_keys(&self, id: WorkerId, kind: Kind) -> bool {
        let keys = self.keyed.keys_at(id);
        if keys < AHEAD || self.workers.woken(kind) == 0 {
            return false;
        }
        let comes = |record: &Record<W>| record.kind == kind && record.state == WorkerState::Woken;
        self.workers.iter().any(|(other, record)| comes(record) && self.keyed.keys_at(other) + AHEAD <= keys)
    }

    pub(crate) fn has_own(&self, id: WorkerId) -> bool {
        self.first_own_of(id).is_some()
    }

    /// Of the workers that sleep and could begin a task of their own, the one whose task comes first, and
    /// whether it has a place. Not `but`; with `free` also those that have no place.
    fn first_sleeper_with_own(&self, but: Option<WorkerId>, free: bool) -> Option<(Place, WorkerId, bool)> {
        if !self.keyed.has_own() {
            return None;
        }
        let sleepers = self.keyed.homes().filter(|id| Some(*id) != but).filter_map(|id| {
            let record = self.workers.look(id)?;
            let sleeps =
                matches!(record.state, WorkerState::Idle | WorkerState::Lingering | WorkerState::Partial);
            let may = sleeps && (free || record.has_place);
            let (place, _) = if may { self.own_of(id)? } else { return None };
            Some((place, id, record.has_place))
        });
        sleepers.min_by_key(|(place, ..)| *place)
    }

    /// Worker `id` begins this task, if it still waits and the worker may.
    pub(crate) fn take_keyed(
        &mut self,
        id: WorkerId,
        task: &Arc<Task<W>>,
        actions: &mut Actions<W>,
    ) -> Option<W> {
        if !self.keyed.may_begin(task, id) {
            return None;
        }
        let work = self.begin(task, id, actions.now)?;
        actions.removed.extend(self.keyed.remove(task, actions.now));
        self.note_room(actions);
        Some(work)
    }

    /// A task that waits was settled.
    pub(crate) fn forget_keyed(&mut self, task: &Arc<Task<W>>, actions: &mut Actions<W>) {
        actions.removed.extend(self.keyed.remove(task, actions.now));
        self.watch_unused(actions);
    }

    /// A worker holds this task no longer.
    #[inline]
    pub(crate) fn release_key(&mut self, task: &Task<W>, actions: &mut Actions<W>) {
        if task.key.is_some() {
            self.keyed.let_go(task, actions.now);
            self.watch_unused(actions);
        }
    }

    /// Forgets keys that have had no task for long, and comes again for the others.
    fn watch_unused(&mut self, actions: &mut Actions<W>) {
        if self.keyed.is_watched {
            return;
        }
        let Some(limit) = self.keyed.keep_unused else { return };
        if let Some(next) = self.keyed.forget_unused(actions.now, limit)
            && let Some(alarm) = &self.keyed.alarm
        {
            self.keyed.is_watched = true;
            // Many at a time: a key that lives a bit longer costs nothing.
            let next = next.max(actions.now + BETWEEN_LOOKS);
            actions.starts.push(StartAction::Watch(next, TimeLimit::Total, alarm.clone()));
        }
    }
}

/// How many keys more than one that is on its way a worker takes.
const AHEAD: usize = 4;

/// The pause between two looks for keys that are not used.
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);
