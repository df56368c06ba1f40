//! What is asked about a worker, and done to it, by threads that are not the worker's own.

use std::sync::Arc;

use crate::scheduler::pool::{Pool, Shared};
use crate::scheduler::starts::StartFailure;
use crate::scheduler::suspects::Blame;
use crate::task::outcome::{Failure, Outcome};
use crate::task::task::Task;
use crate::task::work::{Work, WorkerId};
use crate::workers::state::WorkerState;

impl<W: Work> Pool<W> {
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
            let record = shared.workers.remove(id)?;
            shared.recall(id, record.pinned.len());
            shared.end_trial(record.kind, id);
            let lost = || Failure::Lost { exit: exit.clone(), cause: cause.clone() };
            if let Some(task) = &record.hurries {
                shared.lanes[task.kind() as usize].calm(task);
            }
            for task in record.held.iter().chain(&record.pinned) {
                shared.conclude(task, Err(lost()), actions);
            }
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
    /// its thread: another worker is sent for the waiting task. Does nothing if the worker has asked, or
    /// holds no task.
    pub fn stop_waiting_for(self: &Arc<Self>, id: WorkerId) {
        self.change(|shared, actions| {
            let is_late = shared
                .workers
                .get(id)
                .is_some_and(|record| record.state == WorkerState::Woken && !record.held.is_empty());
            if is_late {
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
            shared.end_trial(kind, id);
            shared.unreserve(id);
            shared.workers.leave_place(id);
            shared.workers.set_state(id, WorkerState::Retiring);
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
                shared.conclude(task, Err(Failure::Lost { exit: None, cause: None }), actions);
            }
            actions.removed.extend(held);
            self.rebalance(shared, actions);
        });
    }
}

impl<W: Work> Shared<W> {
    /// Whether worker `id` holds a task that has not settled, or is about to: one that is pinned to it.
    pub(crate) fn has_unsettled(&mut self, id: WorkerId) -> bool {
        self.workers.get(id).is_some_and(|record| {
            !record.pinned.is_empty() || record.held.iter().any(|task| !task.state().is_settled())
        })
    }
}
