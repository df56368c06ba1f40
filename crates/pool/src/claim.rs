//! Who is woken, who is started, and which task a worker gets.
//!
//! The promise: while there is a task that some worker could run, and a free place in the budget,
//! a worker is on its way to it. It is kept by [`Pool::rebalance`], which runs under the mutex after
//! every change that could make a task claimable or a place free. A worker that is woken is marked
//! `Woken` and takes its place before the mutex is released, so it is never counted as free for
//! a second task: "somebody is parked, notify one" would count it twice.

use std::sync::Arc;

use crate::actions::Actions;
use crate::outcome::Outcome;
use crate::pool::{Pool, Shared};
use crate::registry::{WorkerId, WorkerState};
use crate::task::Task;
use crate::transit::CARRIED;
use crate::work::{Kind, Work};
use crate::worker::Next;

/// How many workers of a kind, beyond `max_workers`, may stand in for workers whose tasks wait.
pub(crate) const MOST_LENT: usize = 512;

impl<W: Work> Pool<W> {
    /// How many workers of a kind there can be, the lent ones among them.
    #[must_use]
    pub fn most_workers(&self) -> usize {
        self.config.max_workers + MOST_LENT
    }

    /// Wakes and asks for as many workers as the queue needs and the budget allows.
    pub(crate) fn rebalance(&self, shared: &mut Shared<W>, actions: &mut Actions<W>) {
        shared.trim_surplus();
        while self.wake_pinned(shared, actions) || self.send_one(shared, actions) {}
        self.send_home(shared, actions);
        self.keep_warm(shared, actions);
        self.close_if_done(shared, actions);
    }

    fn send_one(&self, shared: &mut Shared<W>, actions: &mut Actions<W>) -> bool {
        let free = shared.workers.active < self.config.max_workers;
        for kind in shared.kinds_by_head(actions).into_iter().flatten() {
            let k = kind as usize;
            if kind == CARRIED && shared.transit_is_first(actions) {
                match self.send_carrier(shared, actions) {
                    Some(sent) => return sent,
                    // Nor is there anybody for what is in the lane.
                    None => continue,
                }
            }
            if shared.lanes[k].len() <= shared.workers.woken[k] {
                continue;
            }
            // An idle worker before one that holds tasks: two tasks then run in parallel.
            let idle = shared.workers.last_idle(kind).filter(|_| free);
            let worker = idle.or_else(|| shared.workers.last_partial(kind, free));
            if let Some(id) = worker {
                shared.workers.take_place(id);
                shared.workers.set_state(id, WorkerState::Woken);
                actions.wake.extend(shared.workers.get(id).map(|record| record.link.clone()));
                return true;
            }
            if free && self.wants_more(shared, kind) {
                shared.workers.starting[k] += 1;
                actions.start.push(kind);
                return true;
            }
            if !free && self.is_reachable(shared, kind) {
                // The next place is this task's. Later tasks of other kinds, which workers with room
                // could take without a new place, wait: or such a worker would never run dry.
                return false;
            }
        }
        false
    }

    /// Whether a task of `kind` would have a worker if it had a place.
    pub(crate) fn is_reachable(&self, shared: &Shared<W>, kind: Kind) -> bool {
        shared.workers.last_idle(kind).is_some() || self.wants_more(shared, kind)
    }

    /// Wakes the idle workers that a pool which accepts no more tasks has no use for: each finds that
    /// it can leave.
    fn send_home(&self, shared: &mut Shared<W>, actions: &mut Actions<W>) {
        if shared.is_open() {
            return;
        }
        for kind in Kind::ALL {
            if shared.waiting(kind) > 0 {
                continue;
            }
            while let Some(id) = shared.workers.last_idle(kind) {
                shared.workers.set_state(id, WorkerState::Woken);
                actions.wake.extend(shared.workers.get(id).map(|record| record.link.clone()));
            }
        }
    }

    /// Whether another worker of `kind` would have a task, and may exist.
    pub(crate) fn wants_more(&self, shared: &Shared<W>, kind: Kind) -> bool {
        let (k, workers) = (kind as usize, &shared.workers);
        let exists = workers.living[k] + workers.starting[k];
        let (waiting, most) = (workers.waiting[k], self.config.max_workers);
        let allowed = exists < workers.allowed[k].min(most + waiting.min(MOST_LENT));
        let coming = workers.starting[k] + workers.preparing[k] + workers.woken[k];
        let budget_is_open =
            workers.active + workers.starting.iter().sum::<usize>() < self.config.max_workers;
        // The first of its kind is started even when others fill the budget: it takes its turn.
        // Those that wait do not count: the task that they wait for may need another worker.
        let unserved = if kind == CARRIED { shared.transit.unserved() } else { 0 };
        shared.lanes[k].len() + unserved > coming && allowed && (exists == waiting || budget_is_open)
    }

    fn keep_warm(&self, shared: &mut Shared<W>, actions: &mut Actions<W>) {
        let k = self.config.warm_kind as usize;
        let wanted = self.config.min_workers.min(shared.workers.allowed[k]);
        while shared.is_open() && shared.workers.living[k] + shared.workers.starting[k] < wanted {
            shared.workers.starting[k] += 1;
            actions.start.push(self.config.warm_kind);
        }
    }

    /// Gives worker `id` its next task; the heart of [`crate::Worker::next`].
    pub(crate) fn claim(
        &self,
        shared: &mut Shared<W>,
        id: WorkerId,
        ready: &dyn Fn(u32) -> bool,
        actions: &mut Actions<W>,
    ) -> Next<W> {
        let Some(record) = shared.workers.get(id) else { return Next::Leave };
        if matches!(record.state, WorkerState::Abandoned | WorkerState::Leaving) {
            return Next::Leave;
        }
        let (kind, held, claimed) = (record.kind, record.held.len(), record.claimed);
        let is_pinned = !record.pinned.is_empty();
        if record.state == WorkerState::Reserved && !is_pinned {
            return Next::Nothing;
        }
        let capacity = self.capacity(kind) + record.suspended as usize;
        shared.workers.set_state(id, WorkerState::Busy);
        if held >= capacity {
            // If it was woken, somebody else has to go.
            self.rebalance(shared, actions);
            return Next::Nothing;
        }
        let worn =
            kind != Kind::Native && self.config.max_tasks_per_worker.is_some_and(|most| claimed >= most);
        let over = !shared.is_open() && shared.waiting(kind) == 0;
        if (worn || over) && !is_pinned {
            return self.dismiss(shared, id, held, actions);
        }
        let may_run = self.may_run(shared, id, kind, held, actions);
        if is_pinned {
            let next = if may_run { self.claim_pinned(shared, id, ready, actions) } else { None };
            return next.unwrap_or_else(|| {
                self.rest(shared, id, held, actions);
                Next::Nothing
            });
        }
        if may_run && kind == CARRIED && shared.transit_is_first(actions) {
            self.reserve(shared, id, actions);
            self.rebalance(shared, actions);
            return Next::Nothing;
        }
        if may_run && let Some((_, head)) = shared.lanes[kind as usize].head(&mut actions.buried) {
            let needs = head.needs();
            if needs != 0 && !ready(needs) {
                shared.workers.set_state(id, WorkerState::Preparing);
                if held == 0 {
                    shared.workers.leave_place(id);
                }
                self.rebalance(shared, actions);
                return Next::Prepare(needs);
            }
            shared.workers.take_place(id);
            if let Some(next) = self.hand_over(shared, id, kind, actions) {
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
        // Beyond the budget, since somebody resumed, the first to run dry makes up for it.
        let pinned = shared.workers.get(id).is_some_and(|record| !record.pinned.is_empty());
        // What is pinned was first when the worker was reserved for it.
        placed && (held > 0 || active == most) && (pinned || !self.should_yield(shared, kind, actions))
    }

    fn hand_over(
        &self,
        shared: &mut Shared<W>,
        id: WorkerId,
        kind: Kind,
        actions: &mut Actions<W>,
    ) -> Option<Next<W>> {
        let task = shared.lanes[kind as usize].pop()?;
        let work = shared.begin(&task, id, actions.now)?;
        if let Some(record) = shared.workers.get(id) {
            record.held.push(task.clone());
            record.claimed += 1;
        }
        shared.note_room(actions);
        Some(Next::Run(task, work))
    }

    /// Gives worker `id` a task from the middle of its lane.
    pub(crate) fn take_out(
        &self,
        shared: &mut Shared<W>,
        id: WorkerId,
        task: &Arc<Task<W>>,
        actions: &mut Actions<W>,
    ) -> Option<W> {
        let record = shared.workers.get(id)?;
        if task.hand_over {
            return self.take_pinned(shared, id, task, actions);
        }
        if record.kind != task.kind() || matches!(record.state, WorkerState::Leaving | WorkerState::Abandoned)
        {
            return None;
        }
        // Moves pending to running or not at all; the entry in the lane is then a tombstone.
        let work = shared.begin(task, id, actions.now)?;
        shared.lanes[task.kind() as usize].forget(&mut actions.buried);
        if let Some(record) = shared.workers.get(id) {
            record.held.push(task.clone());
            record.claimed += 1;
        }
        shared.note_room(actions);
        Some(work)
    }

    /// A worker found nothing: it gives up its place unless it still holds tasks of which none waits.
    fn rest(&self, shared: &mut Shared<W>, id: WorkerId, held: usize, actions: &mut Actions<W>) {
        if held == 0 || shared.workers.get(id).is_some_and(|record| record.suspended > 0) {
            shared.workers.leave_place(id);
        }
        shared.workers.set_state(id, if held == 0 { WorkerState::Idle } else { WorkerState::Partial });
        self.rebalance(shared, actions);
    }

    /// A worker that must not claim again leaves once it holds nothing.
    fn dismiss(
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
            // What its tasks wait for somebody else must run.
            shared.workers.lend_for(id);
        }
        self.rebalance(shared, actions);
        if held == 0 { Next::Leave } else { Next::Nothing }
    }

    /// Whether an earlier task of another kind should get the place of a worker of `kind`.
    fn should_yield(&self, shared: &mut Shared<W>, kind: Kind, actions: &mut Actions<W>) -> bool {
        for other in shared.kinds_by_head(actions).into_iter().flatten() {
            if other == kind {
                return false;
            }
            let k = other as usize;
            let carried = other == CARRIED && shared.transit.unserved() > 0;
            if (carried || shared.lanes[k].len() > shared.workers.woken[k])
                && self.is_reachable(shared, other)
            {
                return true;
            }
        }
        false
    }

    pub(crate) fn capacity(&self, kind: Kind) -> usize {
        if kind == Kind::Isolate || kind == Kind::Process { self.config.tasks_per_worker } else { 1 }
    }

    /// Takes a finished task out of its worker's hands and settles it.
    pub(crate) fn put_down(
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
    /// The tasks that wait for any worker of `kind`.
    fn waiting(&self, kind: Kind) -> usize {
        let carried = if kind == CARRIED { self.transit.unassigned() } else { 0 };
        self.lanes[kind as usize].len() + carried
    }

    /// The kinds that have tasks waiting, the one with the first task first.
    fn kinds_by_head(&mut self, actions: &mut Actions<W>) -> [Option<Kind>; Kind::COUNT] {
        let mut heads = [None; Kind::COUNT];
        let mut count = 0;
        for kind in Kind::ALL {
            let lane = &mut self.lanes[kind as usize];
            let mut first = None;
            if lane.len() > 0 {
                first = lane.head(&mut actions.buried).map(|(place, _)| place);
            }
            if kind == CARRIED && self.transit.unserved() > 0 {
                let carried = self.transit.head(&mut actions.buried);
                first = [first, carried].into_iter().flatten().min();
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
