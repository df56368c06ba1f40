//! A worker's side of the pool: attach, claim, settle, detach.

use std::sync::Arc;

use crate::scheduler::actions::{Actions, StartAction};
use crate::scheduler::pool::{Pool, Shared};
use crate::scheduler::starts::StartFailure;
use crate::scheduler::suspects::Blame;
use crate::sync::deadline::{self, Alarm, TimeLimit};
use crate::task::outcome::Outcome;
use crate::task::task::Task;
use crate::task::work::{Work, WorkerId};
use crate::workers::state::WorkerState;

/// What a worker should do now.
pub enum Next<W: Work> {
    /// Run this; then [`Worker::turn`] or [`Worker::finish`].
    Run(Arc<Task<W>>, W),
    /// The next task needs this; make it ready, then claim again.
    Prepare(u32),
    /// There is nothing to claim; the worker's link is woken when there is.
    Nothing,
    /// Finish what you hold, then detach.
    Leave,
}

/// What [`Worker::turn_or_linger`] says.
pub enum Turn<W: Work> {
    Next(Next<W>),
    /// Look for a task for a moment instead of sleeping; see [`Linger`](crate::Linger). The worker keeps its
    /// place until it calls [`Worker::next`], which it must do when its link is woken, when the pool [has
    /// news](Pool::has_news), or when that moment is over. `alone` if no other worker has a place.
    Linger {
        alone: bool,
    },
}

/// What a worker calls its pool through. Belongs to one thread at a time.
pub struct Worker<W: Work> {
    pub(crate) pool: Arc<Pool<W>>,
    pub(crate) id: WorkerId,
}

impl<W: Work> Worker<W> {
    #[must_use]
    pub fn id(&self) -> WorkerId {
        self.id
    }

    #[must_use]
    pub fn pool(&self) -> &Arc<Pool<W>> {
        &self.pool
    }

    /// Claims the next task. `ready` says whether the worker has what a task [needs](crate::Spec::needs);
    /// it is called under the pool's mutex and must only look something up.
    pub fn next(&self, ready: &dyn Fn(u32) -> bool) -> Next<W> {
        self.turn(None, ready)
    }

    /// Settles the task that the worker has run, if any, and claims the next, under one lock. Several
    /// may be held; each is settled by its own call.
    pub fn turn(&self, done: Option<(&Arc<Task<W>>, Outcome<W>)>, ready: &dyn Fn(u32) -> bool) -> Next<W> {
        self.take_turn(done, ready, |_, _| {})
    }

    fn take_turn(
        &self,
        done: Option<(&Arc<Task<W>>, Outcome<W>)>,
        ready: &dyn Fn(u32) -> bool,
        then: impl FnOnce(&mut Shared<W>, &Next<W>),
    ) -> Next<W> {
        let mut actions = Actions::default();
        let mut shared = self.pool.lock();
        if let Some((task, outcome)) = done {
            self.pool.settle_held(&mut shared, self.id, task, outcome, &mut actions);
        }
        let next = self.pool.claim(&mut shared, self.id, ready, &mut actions);
        then(&mut shared, &next);
        self.pool.unlock(shared, &mut actions);
        if let Next::Run(task, _) = &next {
            watch_run_time(task);
        }
        // Not `release`: the pool cannot close under an attached worker.
        self.pool.act(actions);
        next
    }

    /// Like [`Worker::turn`], for a worker that stays awake for a moment when it finds nothing.
    pub fn turn_or_linger(
        &self,
        done: Option<(&Arc<Task<W>>, Outcome<W>)>,
        ready: &dyn Fn(u32) -> bool,
    ) -> Turn<W> {
        let mut lingers = false;
        let mut alone = false;
        let next = self.take_turn(done, ready, |shared, next| {
            lingers = matches!(next, Next::Nothing) && self.pool.linger(shared, self.id);
            alone = shared.workers.active == 1;
        });
        if lingers { Turn::Linger { alone } } else { Turn::Next(next) }
    }

    /// Claims this very task, if it still waits in this worker's lane: for a worker that holds a task which
    /// would otherwise wait for it. It must be a task of this pool. It is held beside the one that waits, and
    /// uses the same place.
    pub fn claim_task(&self, task: &Arc<Task<W>>) -> Option<W> {
        let mut actions = Actions::default();
        let mut shared = self.pool.lock();
        let work = self.pool.claim_waiting(&mut shared, self.id, task, &mut actions);
        self.pool.unlock(shared, &mut actions);
        if work.is_some() {
            watch_run_time(task);
        }
        // Not `release`; see `turn`.
        self.pool.act(actions);
        work
    }

    /// Settles a task that the worker has run, without claiming another. The worker keeps its place and
    /// counts as busy until it calls [`Worker::next`], which it must do soon.
    pub fn finish(&self, task: &Arc<Task<W>>, outcome: Outcome<W>) {
        let mut actions = Actions::default();
        let mut shared = self.pool.lock();
        self.pool.finish(&mut shared, self.id, task, outcome, &mut actions);
        self.pool.unlock(shared, &mut actions);
        // Not `release`; see `turn`.
        self.pool.act(actions);
    }

    /// Gives back a task that the worker has claimed and never called, with its work: it waits again where it
    /// was in the queue, for another worker; its clocks begin anew. Does nothing for one that has settled,
    /// but that the worker lets it go. Not for tasks that need a handover.
    pub fn return_unbegun(&self, task: &Arc<Task<W>>, work: W) {
        debug_assert!(!task.needs_handover);
        if task.is_for_worker {
            // Only this one may run it, which ends: it is lost with it.
            return;
        }
        self.pool.change(|shared, actions| {
            shared.begin_if_ahead(task, actions);
            shared.take_off(self.id, task);
            match task.return_unbegun(work) {
                Ok(()) => {
                    shared.running -= 1;
                    shared.release_key(task, actions);
                    if task.key.is_some() {
                        self.pool.push_keyed(shared, task.clone(), actions);
                    } else {
                        shared.lanes[task.kind() as usize].restore(task.clone());
                    }
                    // An alarm that came meanwhile has found it begun.
                    if let Some(end) = task.total_end() {
                        actions.starts.push(StartAction::Watch(end, TimeLimit::Total, task.clone()));
                    }
                    self.pool.rebalance(shared, actions);
                }
                Err(work) => {
                    actions.dropped.push(work);
                    actions.let_go.push(task.clone());
                }
            }
        });
    }

    /// Like [`Worker::finish`], for a worker that can claim at any time. If it holds nothing more and no task
    /// waits for it, it is idle at once: a submission that the outcome leads to finds it idle, and starts no
    /// other worker. True if it is idle; if not it must call [`Worker::next`] soon.
    pub fn finish_idle(&self, task: &Arc<Task<W>>, outcome: Outcome<W>) -> bool {
        let mut actions = Actions::default();
        let mut shared = self.pool.lock();
        self.pool.settle_held(&mut shared, self.id, task, outcome, &mut actions);
        let is_idle = self.pool.rest_if_idle(&mut shared, self.id, &mut actions);
        self.pool.unlock(shared, &mut actions);
        // Not `release`; see `turn`.
        self.pool.act(actions);
        is_idle
    }

    /// Leaves if the worker is idle, not kept warm, and nobody has woken it.
    pub fn leave_if_idle(&self) -> bool {
        let pool = &self.pool;
        pool.change(|shared, actions| {
            let Some((kind, state)) = shared.workers.get(self.id).map(|record| (record.kind, record.state))
            else {
                return true;
            };
            let is_kept = kind == pool.config.warm_kind && shared.is_open();
            let kept = if is_kept { pool.config.min_workers.max(shared.warm_up_wants()) } else { 0 };
            let has_task = shared.workers.get(self.id).is_some_and(|record| !record.pinned.is_empty());
            if state != WorkerState::Idle || has_task || shared.workers.living[kind as usize] <= kept {
                return false;
            }
            shared.workers.set_state(self.id, WorkerState::Leaving);
            pool.rebalance(shared, actions);
            true
        })
    }

    /// Whether the worker has nothing to do, and nobody has woken it.
    pub fn is_idle(&self) -> bool {
        self.pool.change(|shared, _| {
            shared.workers.get(self.id).is_some_and(|record| record.state == WorkerState::Idle)
        })
    }

    /// Gives up the worker's place while one of its tasks blocks its thread for a future: the pool may start
    /// another worker instead of it. May be nested: call it once for each task that waits.
    pub fn suspend(&self) {
        self.suspend_with(true);
    }

    /// Ends a [`Worker::suspend`]. The worker takes its place back at once, even if that exceeds the budget.
    /// It must call [`Worker::next`] soon.
    pub fn resume(&self) {
        self.resume_with(true);
    }

    /// Like [`Worker::suspend`], for a task that leaves the thread free: meanwhile the worker may hold one
    /// task more for each wait, and must claim it by [`Worker::next`] soon. No other worker is started
    /// instead of it. True if tasks of its kind wait for which no worker was woken.
    pub fn suspend_claiming(&self) -> bool {
        self.suspend_with(false)
    }

    /// Ends a [`Worker::suspend_claiming`].
    pub fn resume_claiming(&self) {
        self.resume_with(false);
    }

    fn suspend_with(&self, lend: bool) -> bool {
        self.pool.change(|shared, actions| {
            shared.prepare_wait(self.id, lend, actions);
            shared.workers.suspend(self.id, lend, false);
            self.pool.rebalance(shared, actions);
            let Some(kind) = shared.workers.get(self.id).map(|record| record.kind) else { return false };
            shared.claimable(kind) > shared.workers.helping(kind) || shared.has_own(self.id)
        })
    }

    fn resume_with(&self, lend: bool) {
        self.pool.change(|shared, actions| {
            shared.end_hurry(self.id, actions);
            let capacity = self.pool.capacity_of(shared, self.id);
            shared.workers.resume(self.id, lend, capacity);
        });
    }

    /// Removes the worker. What it still holds is lost, with this exit and cause.
    pub fn detach(self, exit: Option<W::Exit>, cause: Option<W::Error>) {
        self.pool.remove_worker(self.id, exit, cause, None);
    }

    /// The same. If the worker has died, this may have ended it.
    pub fn detach_blaming(self, blame: &Blame, exit: Option<W::Exit>, cause: Option<W::Error>) {
        self.pool.remove_worker(self.id, exit, cause, Some(blame));
    }

    /// Leaves, because the system refuses what the worker needs for its next task: that counts as a start
    /// that was refused. False if the worker holds tasks. It must detach soon.
    pub fn leave_refused(&self, cause: Option<W::Error>) -> bool {
        let pool = &self.pool;
        pool.change(|shared, actions| {
            let Some((kind, is_free)) = shared
                .workers
                .get(self.id)
                .map(|record| (record.kind, record.held.is_empty() && record.pinned.is_empty()))
            else {
                return true;
            };
            if is_free {
                shared.end_trial(kind, self.id);
                shared.workers.leave_place(self.id);
                shared.workers.set_state(self.id, WorkerState::Leaving);
                pool.note_failed_start(shared, kind, cause, StartFailure::Refused, actions);
                pool.rebalance(shared, actions);
            }
            is_free
        })
    }
}

impl<W: Work> Shared<W> {
    /// Worker `id` is about to wait; with `blocks` its thread is not free meanwhile.
    pub(crate) fn prepare_wait(&mut self, id: WorkerId, blocks: bool, actions: &mut Actions<W>) {
        // The task that waits may wait for what it keeps from being begun.
        self.bring_back_from(id, actions);
        let Some(record) = self.workers.get(id) else { return };
        let (state, holds) = (record.state, !record.held.is_empty());
        if state == WorkerState::Reserved {
            // It may be about to block. If not, it claims again by itself.
            self.unreserve(id);
        }
        match state {
            // It holds no task, so what blocks it is none, and it is woken like any idle worker.
            WorkerState::Reserved if !holds => self.set_free(id),
            WorkerState::Reserved => self.workers.set_state(id, WorkerState::Busy),
            // While its thread blocks it claims nothing, not even what it was woken for.
            WorkerState::Woken | WorkerState::Partial if blocks && holds => {
                self.workers.set_state(id, WorkerState::Busy);
            }
            _ => {}
        }
    }
}

/// Sets the alarm of a task that was just claimed, if its run time is limited.
pub(crate) fn watch_run_time<W: Work>(task: &Arc<Task<W>>) {
    if let Some(at) = task.run_end() {
        let alarm: Arc<dyn Alarm> = task.clone();
        deadline::add(at, TimeLimit::Run, &alarm);
    }
}

impl<W: Work> Pool<W> {
    /// Whether a task was left in the inbox since the pool's mutex was last taken; for a worker that lingers.
    #[must_use]
    pub fn has_news(&self) -> bool {
        self.inbox.has_news()
    }

    pub(crate) fn finish(
        &self,
        shared: &mut Shared<W>,
        id: WorkerId,
        task: &Arc<Task<W>>,
        outcome: Outcome<W>,
        actions: &mut Actions<W>,
    ) {
        self.settle_held(shared, id, task, outcome, actions);
        let prepares_without_tasks = shared
            .workers
            .get(id)
            .is_some_and(|record| record.state == WorkerState::Preparing && record.held.is_empty());
        if prepares_without_tasks {
            // To make something ready may take long; a worker that holds nothing does so outside the budget.
            shared.workers.leave_place(id);
            self.rebalance(shared, actions);
        }
    }
}
