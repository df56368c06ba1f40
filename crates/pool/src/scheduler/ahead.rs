//! Tasks that are sent ahead: a worker that is far away gets the tasks that it runs next while it still runs
//! one, so that it need not wait for the way between.
//!
//! Such a task goes on waiting, and everybody may have it back until the worker begins it. That moment the
//! two sides agree on without a message, which is the business of the worker's link:
//! [`WorkerLink::bring_back`] either keeps the worker from beginning the task or finds that it has begun it.
//! Whatever is done to a waiting task brings it back first; so does whatever a worker may wait for.

use std::sync::Arc;

use crate::scheduler::actions::{Actions, StartAction};
use crate::scheduler::config::LOWEST_AHEAD;
use crate::scheduler::pool::{Pool, Shared};
use crate::scheduler::worker::{Next, Worker, watch_run_time};
use crate::sync::deadline::TimeLimit;
use crate::task::outcome::Outcome;
use crate::task::task::Task;
use crate::task::work::{Kind, Work, WorkerId};
use crate::workers::registry::Record;

/// What [`Worker::turn_ahead`] says.
pub enum Ahead<W: Work> {
    /// The worker begins this task, which was sent ahead to it.
    Begun(Arc<Task<W>>),
    /// As [`Worker::turn`] says.
    Next(Next<W>),
}

impl<W: Work> Worker<W> {
    /// Like [`Worker::turn`], for a worker that begins by itself, in their order, tasks that were sent ahead
    /// to it. `room` is how many more of them it may get, besides what it runs. They are claimed by the next
    /// calls of this. Their work is with the worker's link by then, see [`WorkerLink::send_ahead`].
    pub fn turn_ahead(
        &self,
        done: Option<(&Arc<Task<W>>, Outcome<W>)>,
        ready: &dyn Fn(u32) -> bool,
        room: usize,
    ) -> (Ahead<W>, Vec<Arc<Task<W>>>) {
        let mut actions = Actions::default();
        let mut shared = self.pool.lock();
        if let Some((task, outcome)) = done {
            self.pool.settle_held(&mut shared, self.id, task, outcome, &mut actions);
        }
        let turn = match shared.begin_first_ahead(self.id, &mut actions) {
            Some(task) => Ahead::Begun(task),
            None => Ahead::Next(self.pool.claim(&mut shared, self.id, ready, &mut actions)),
        };
        let runs = matches!(turn, Ahead::Begun(_) | Ahead::Next(Next::Run(..)));
        let sent = match room {
            1.. if runs => self.pool.send_ahead(&mut shared, self.id, ready, room, &mut actions),
            _ => Vec::new(),
        };
        self.pool.unlock(shared, &mut actions);
        if let Ahead::Next(Next::Run(task, _)) = &turn {
            watch_run_time(task);
        }
        // Not `release`; see `turn`.
        self.pool.act(actions);
        (turn, sent)
    }

    /// Brings back what was sent ahead to this worker and has not begun.
    pub fn bring_back(&self) {
        self.pool.bring_back_from(self.id);
    }
}

impl<W: Work> Pool<W> {
    /// Brings back this task alone, if it was sent ahead and has not begun.
    pub fn bring_back(self: &Arc<Self>, task: &Arc<Task<W>>) {
        self.change(|shared, actions| {
            shared.bring_back(task, actions);
            self.rebalance(shared, actions);
        });
    }

    /// See [`Worker::bring_back`].
    pub fn bring_back_from(self: &Arc<Self>, id: WorkerId) {
        self.change(|shared, actions| {
            shared.bring_back_from(id, actions);
            self.rebalance(shared, actions);
        });
    }

    /// The tasks at the head of the lane that no other worker is about to claim, as many as worker `id` has
    /// room for, and no more than its share.
    fn send_ahead(
        &self,
        shared: &mut Shared<W>,
        id: WorkerId,
        ready: &dyn Fn(u32) -> bool,
        room: usize,
        actions: &mut Actions<W>,
    ) -> Vec<Arc<Task<W>>> {
        let Some(record) = shared.workers.get(id) else { return Vec::new() };
        let (kind, there, held) = (record.kind, record.ahead.len(), record.held.len());
        let link = record.link.clone();
        // What is sent on top of a task that waits would wait for that one.
        if there * 2 > room || held != 1 || record.suspended > 0 {
            return Vec::new();
        }
        let k = kind as usize;
        // Those that are idle, or can be started, are sent for what waits.
        self.rebalance(shared, actions);
        let most_workers = shared.max_workers;
        // Nor for one that has its place beyond the budget, because another has resumed.
        if shared.workers.existing(kind) < most_workers.min(shared.workers.allowed[k])
            || shared.workers.active > most_workers
        {
            return Vec::new();
        }
        let free = shared.lanes[k].len().saturating_sub(shared.workers.coming(kind));
        let most = (room - there).min(free.div_ceil(shared.workers.living[k].max(1)));
        let mut sent = Vec::new();
        if most == 0
            || shared.transit.len() > 0
            || shared.keyed.total() > 0
            || !self.may_run(shared, id, kind, held, actions)
        {
            return sent;
        }
        sent.reserve(most);
        while sent.len() < most && shared.lanes[k].hurried() == 0 && link.has_room_ahead() {
            let Some((_, head)) = shared.lanes[k].head(&mut actions.removed) else { break };
            if (head.needs() != 0 && !ready(head.needs())) || head.priority < LOWEST_AHEAD {
                break;
            }
            let Some(task) = shared.lanes[k].pop() else { break };
            let Some(work) = task.send_ahead(id) else { break };
            if let Some(record) = shared.workers.get(id) {
                record.ahead.push_back(task.clone());
            }
            shared.ahead += 1;
            link.send_ahead(&task, work);
            sent.push(task);
        }
        sent
    }
}

impl<W: Work> Shared<W> {
    /// Takes a task off the list of the worker that it was sent ahead to.
    #[cold]
    fn take_ahead(&mut self, task: &Arc<Task<W>>) -> Option<WorkerId> {
        let id = task.ahead_at()?;
        let ahead = &mut self.workers.get(id)?.ahead;
        let at = ahead.iter().position(|other| Arc::ptr_eq(other, task))?;
        ahead.remove(at);
        self.ahead -= 1;
        Some(id)
    }

    /// The worker that a task was sent ahead to says that it has begun it.
    #[inline]
    pub(crate) fn begin_if_ahead(&mut self, task: &Arc<Task<W>>, actions: &mut Actions<W>) {
        // There is none in most pools.
        if self.ahead > 0
            && let Some(id) = self.take_ahead(task)
        {
            self.begin_there(task, id, actions);
        }
    }

    fn begin_there(&mut self, task: &Arc<Task<W>>, id: WorkerId, actions: &mut Actions<W>) {
        if task.begin_there(actions.now) {
            self.note_begun(task, id, actions.now);
            self.note_room(actions);
            if let Some(at) = task.run_end() {
                actions.starts.push(StartAction::Watch(at, TimeLimit::Run, task.clone()));
            }
        }
    }

    /// Worker `id`, which holds nothing, begins the first task that was sent ahead to it.
    fn begin_first_ahead(&mut self, id: WorkerId, actions: &mut Actions<W>) -> Option<Arc<Task<W>>> {
        let record = self.workers.get(id)?;
        let task = if record.held.is_empty() { record.ahead.front()?.clone() } else { return None };
        self.begin_if_ahead(&task, actions);
        Some(task)
    }

    /// A task that was sent ahead waits in its lane again, unless its worker has begun it: then it runs.
    /// Does nothing for any other.
    pub(crate) fn bring_back(&mut self, task: &Arc<Task<W>>, actions: &mut Actions<W>) {
        if self.ahead > 0
            && let Some(id) = self.take_ahead(task)
        {
            self.bring_back_to(task, id, actions);
        }
    }

    /// The same, for one that is on no list any more.
    fn bring_back_to(&mut self, task: &Arc<Task<W>>, id: WorkerId, actions: &mut Actions<W>) {
        let Some(link) = self.workers.get(id).map(|record| record.link.clone()) else { return };
        match link.bring_back(task) {
            Some(work) => {
                task.bring_back(work);
                self.lanes[task.kind() as usize].put_back(task.clone());
            }
            None => self.begin_there(task, id, actions),
        }
    }

    /// The same for all that was sent ahead to worker `id`.
    pub(crate) fn bring_back_from(&mut self, id: WorkerId, actions: &mut Actions<W>) {
        while let Some(task) = self.workers.get(id).and_then(|record| record.ahead.pop_back()) {
            self.ahead -= 1;
            self.bring_back_to(&task, id, actions);
        }
    }

    /// The same for what comes after this task in the queue.
    pub(crate) fn bring_back_behind(&mut self, task: &Task<W>, actions: &mut Actions<W>) {
        if self.ahead == 0 || task.priority <= LOWEST_AHEAD {
            return;
        }
        let is_behind =
            |record: &Record<W>| record.ahead.back().is_some_and(|last| last.priority < task.priority);
        let ids: Vec<_> =
            self.workers.iter().filter(|(_, record)| is_behind(record)).map(|(id, _)| id).collect();
        for id in ids {
            self.bring_back_from(id, actions);
        }
    }

    /// The same for all workers of a kind.
    pub(crate) fn bring_all_back(&mut self, kind: Kind, actions: &mut Actions<W>) {
        if self.ahead == 0 {
            return;
        }
        let ids: Vec<_> =
            self.workers.iter().filter(|(_, record)| record.kind == kind).map(|(id, _)| id).collect();
        for id in ids {
            self.bring_back_from(id, actions);
        }
    }
}
