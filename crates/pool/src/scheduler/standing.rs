//! Tasks that stand still: a worker holds them, and they go on there later, as a stream does whose reader is
//! behind. Such a task neither waits nor runs: its run time stands still with it, and it is in neither count.
//!
//! Its worker gives the place up as for a wait that leaves its thread free; see
//! [`Worker::suspend_claiming`](crate::Worker::suspend_claiming). A pool that is shut down waits for no task
//! that stands still: nobody may ever have it go on.

use std::sync::Arc;
use std::time::Instant;

use crate::scheduler::pool::{Pool, Shared};
use crate::scheduler::worker::watch_run_time;
use crate::task::outcome::Failure;
use crate::task::states::State;
use crate::task::task::Task;
use crate::task::work::{Work, WorkerLink};
use crate::workers::registry::Record;
use crate::workers::standing::Standing;

/// The worker that holds a task, and the task.
pub(crate) type Stopped<W> = (Arc<dyn WorkerLink<W>>, Arc<Task<W>>);

impl<W: Work> Pool<W> {
    /// A running task stands still from now on. False if it does not: it has settled, or was cancelled just
    /// now because the pool has been shut down.
    pub fn stand_still(self: &Arc<Self>, task: &Arc<Task<W>>) -> bool {
        let (stands, link) = self.change(|shared, actions| {
            if task.state() != State::Running || shared.standing.contains_key(&task.id()) {
                return (false, None);
            }
            if !shared.is_open() {
                task.request_cancel();
                shared.conclude(task, Err(Failure::Cancelled), actions);
                return (false, shared.link_of(task));
            }
            shared.standing.insert(task.id(), Standing { since: actions.now, started: task.pause() });
            shared.running -= 1;
            shared.keyed.note_waits(task, true);
            (true, None)
        });
        if let Some(link) = link {
            link.stop(task);
        }
        stands
    }

    /// Whether a task stands still.
    #[must_use]
    pub fn stands_still(&self, task: &Task<W>) -> bool {
        self.state.lock().standing.contains_key(&task.id())
    }

    /// A task that stands still goes on. Does nothing for any other.
    pub fn go_on(self: &Arc<Self>, task: &Arc<Task<W>>) {
        let went_on = self.change(|shared, actions| {
            let standing = shared.standing.remove(&task.id());
            if let Some(Standing { since, started }) = &standing {
                shared.running += 1;
                shared.keyed.note_waits(task, false);
                let stood = actions.now.saturating_duration_since(*since);
                task.go_on_from(started.and_then(|started| started.checked_add(stood)));
            }
            standing.is_some()
        });
        if went_on {
            // Its alarm may have gone off meanwhile.
            watch_run_time(task);
        }
    }
}

impl<W: Work> Shared<W> {
    /// A task is settled. If it stood still, since when.
    pub(crate) fn end_standing(&mut self, task: &Task<W>) -> Option<Instant> {
        let Standing { since, started } = self.standing.remove(&task.id())?;
        task.go_on_from(started);
        Some(since)
    }

    /// Whether a worker holds tasks, all of which stand still.
    pub(crate) fn only_stands(&self, record: &Record<W>) -> bool {
        !self.standing.is_empty()
            && !record.held.is_empty()
            && !record.held.iter().any(|task| self.runs(task))
    }

    /// Whether a task that a worker holds does not stand still.
    pub(crate) fn runs(&self, task: &Task<W>) -> bool {
        !self.standing.contains_key(&task.id())
    }

    /// The tasks that stand still, with what they are stopped by.
    pub(crate) fn all_standing(&self) -> Vec<Stopped<W>> {
        if self.standing.is_empty() {
            return Vec::new();
        }
        let held = self
            .workers
            .iter()
            .flat_map(|(_, record)| record.held.iter().map(|task| (record.link.clone(), task.clone())));
        held.filter(|(_, task)| !self.runs(task)).collect()
    }
}
