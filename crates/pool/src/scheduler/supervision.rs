//! What is asked about a worker, and done to it, by threads that are not the worker's own.

use std::sync::Arc;

use crate::scheduler::pool::{Pool, Shared};
use crate::scheduler::starts::StartFailure;
use crate::scheduler::suspects::Blame;
use crate::task::outcome::{Failure, Outcome};
use crate::task::task::Task;
use crate::task::work::{Kind, Work, WorkerId};
use crate::workers::registry::Record;
use crate::workers::state::{WorkerState, WorkerView};

impl<W: Work> Pool<W> {
    /// The attached workers. A task that stands still is none that its worker is seen to hold.
    #[must_use]
    pub fn workers(&self) -> Vec<WorkerView<W>> {
        let shared = self.state.lock();
        let view = |(id, record): (WorkerId, &Record<W>)| WorkerView {
            id,
            kind: record.kind,
            state: if shared.only_stands(record) { WorkerState::Idle } else { record.state },
            held: record.held.iter().filter(|task| shared.runs(task)).cloned().collect(),
            link: record.link.clone(),
        };
        shared.workers.iter().map(view).collect()
    }

    /// Whether a task of `kind` waits that needs this, or may need it: what tasks in transit need is not
    /// looked at. The time that it takes grows with the queue.
    #[must_use]
    pub fn wants(&self, kind: Kind, needs: u32) -> bool {
        let shared = self.lock();
        shared.transit.len() > 0 || shared.lanes[kind as usize].wants(needs) || shared.keyed.wants(needs)
    }

    /// A worker has died, although its thread still lives and lets other tasks end: what follows of it is
    /// counted as one death. The rest of its life is as if nothing had happened.
    pub fn note_death(&self, id: WorkerId) {
        self.state.lock().workers.note_death(id);
    }

    /// Removes a worker; see [`Worker::detach`](crate::Worker::detach). A second call does nothing.
    pub fn remove_worker(
        self: &Arc<Self>,
        id: WorkerId,
        exit: Option<W::Exit>,
        cause: Option<W::Error>,
        blame: Option<&Blame>,
    ) {
        let record = self.change(|shared, actions| {
            let was_told = shared.is_terminated || shared.workers.was_told_to_end(id);
            if !was_told {
                shared.workers.note_death(id);
            }
            shared.bring_back_from(id, actions);
            let record = shared.workers.remove(id)?;
            shared.recall(id, record.pinned.len());
            shared.end_trial(record.kind, id);
            let lost = || Failure::Lost { exit: exit.clone(), cause: cause.clone() };
            if let Some(task) = &record.hurries {
                shared.lanes[task.kind() as usize].calm(task);
            }
            for task in record.held.iter().chain(&record.pinned) {
                if !shared.conclude(task, Err(lost()), actions) {
                    actions.let_go.push(task.clone());
                }
                shared.release_key(task, actions);
            }
            shared.keyed.forget_home(id);
            match blame {
                _ if was_told => {}
                Some(blame) => {
                    let has_taken_one = record.pinned.iter().any(|task| (blame.covers)(task.needs()));
                    let lost = if has_taken_one { None } else { Some(lost()) };
                    self.blame(shared, record.kind, blame, lost, actions);
                }
                None if record.claimed == 0 => {
                    let cause = cause.or_else(|| W::no_worker(exit.as_ref()));
                    self.note_failed_start(shared, record.kind, cause, StartFailure::Died, actions);
                }
                None => {}
            }
            self.rebalance(shared, actions);
            Some(record)
        });
        // Outside the mutex: the link's destructor is the user's.
        drop(record);
    }

    /// Whether the worker holds this task: has claimed it and has not finished it, whether it has settled or
    /// not.
    #[must_use]
    pub fn holds(&self, id: WorkerId, task: &Arc<Task<W>>) -> bool {
        let mut shared = self.state.lock();
        let record = shared.workers.get(id);
        record.is_some_and(|record| record.held.iter().any(|held| Arc::ptr_eq(held, task)))
    }

    /// The worker is ended from outside, and will detach: it claims nothing more, and has not died.
    pub fn note_told_to_end(self: &Arc<Self>, id: WorkerId) {
        self.change(|shared, actions| {
            let Some(record) = shared.workers.get(id) else { return };
            if !record.state.is_over() {
                let kind = record.kind;
                shared.bring_back_from(id, actions);
                shared.withdraw(id, kind, WorkerState::Leaving);
                self.rebalance(shared, actions);
            }
        });
    }

    /// Whether the worker that has begun this task holds it still.
    #[must_use]
    pub fn is_held(&self, task: &Arc<Task<W>>) -> bool {
        let worker = task.inner.lock().worker;
        worker.is_some_and(|id| self.holds(id, task))
    }

    /// Whether the worker holds this task and no other.
    #[must_use]
    pub fn holds_only(&self, id: WorkerId, task: &Arc<Task<W>>) -> bool {
        let mut shared = self.state.lock();
        let record = shared.workers.get(id);
        record.is_some_and(|record| matches!(&record.held[..], [held] if Arc::ptr_eq(held, task)))
    }

    /// Whether the worker holds any task.
    #[must_use]
    pub fn holds_any(&self, id: WorkerId) -> bool {
        self.state.lock().workers.get(id).is_some_and(|record| !record.held.is_empty())
    }

    /// Like [`Worker::finish`](crate::Worker::finish), from any thread.
    pub fn finish_for(self: &Arc<Self>, id: WorkerId, task: &Arc<Task<W>>, outcome: Outcome<W>) {
        self.change(|shared, actions| self.finish(shared, id, task, outcome, actions));
    }

    /// A worker that was woken to claim one more task does not ask for it, because a task that it holds keeps
    /// its thread: another worker is sent for the waiting task, or gets the place if only this worker may
    /// claim it. Does nothing if the worker has asked, or holds no task.
    pub fn stop_waiting_for(self: &Arc<Self>, id: WorkerId) {
        self.change(|shared, actions| {
            let Some(record) = shared.workers.get(id).filter(|record| !record.held.is_empty()) else {
                return;
            };
            let was_reserved = record.state == WorkerState::Reserved && !record.pinned.is_empty();
            let only_waits = record.suspended as usize >= record.held.len();
            if record.state == WorkerState::Woken || was_reserved {
                if was_reserved && only_waits {
                    // It was for the pinned task; the thread asks as soon as it is free.
                    shared.workers.leave_place(id);
                }
                shared.workers.set_state(id, WorkerState::Busy);
                self.rebalance(shared, actions);
            }
        });
    }

    /// A worker's thread has to be replaced, but goes on for as long as tasks that the worker holds can end:
    /// it claims nothing new from now on, its place is free, and it is told to leave when the last of them
    /// has ended. One that holds none is told so at once. False, and nothing changes, if the worker has left,
    /// was given up, or ends.
    pub fn retire(self: &Arc<Self>, id: WorkerId) -> bool {
        self.change(|shared, actions| {
            let Some(record) = shared.workers.get(id) else { return false };
            if record.state.is_over() || record.state == WorkerState::Ending {
                return false;
            }
            actions.wake.push(record.link.clone());
            let kind = record.kind;
            shared.bring_back_from(id, actions);
            shared.withdraw(id, kind, WorkerState::Retiring);
            self.rebalance(shared, actions);
            true
        })
    }

    /// Whether the worker holds a task that has not settled.
    #[must_use]
    pub fn holds_unsettled(&self, id: WorkerId) -> bool {
        self.state.lock().has_unsettled(id)
    }

    /// Gives up on a worker that cannot be stopped: what it holds is lost, its place is free, and it is
    /// counted as abandoned until it detaches after all.
    pub fn abandon(self: &Arc<Self>, id: WorkerId) {
        self.change(|shared, actions| {
            shared.end_hurry(id, actions);
            shared.bring_back_from(id, actions);
            let Some(record) = shared.workers.get(id) else { return };
            let kind = record.kind;
            let mut held = std::mem::take(&mut record.held);
            let pinned = std::mem::take(&mut record.pinned);
            shared.recall(id, pinned.len());
            held.extend(pinned);
            shared.end_trial(kind, id);
            shared.workers.leave_place(id);
            shared.workers.set_state(id, WorkerState::Abandoned);
            for task in &held {
                if !shared.conclude(task, Err(Failure::Lost { exit: None, cause: None }), actions) {
                    actions.let_go.push(task.clone());
                }
                shared.release_key(task, actions);
            }
            actions.removed.extend(held);
            self.rebalance(shared, actions);
        });
    }
}

impl<W: Work> Shared<W> {
    /// Worker `id` claims nothing more, and what it holds is its own: its place is free for another.
    fn withdraw(&mut self, id: WorkerId, kind: Kind, state: WorkerState) {
        self.end_trial(kind, id);
        self.unreserve(id);
        self.workers.leave_place(id);
        self.workers.set_state(id, state);
    }

    /// Whether worker `id` holds a task that has not settled, or is about to: one that is pinned to it.
    pub(crate) fn has_unsettled(&mut self, id: WorkerId) -> bool {
        self.workers.get(id).is_some_and(|record| {
            !record.pinned.is_empty() || record.held.iter().any(|task| !task.state().is_settled())
        })
    }
}
