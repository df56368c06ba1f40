//! Where the tasks are whose arguments are carried, and which workers keep themselves free for them; the rules are in
//! `handover`.

use std::sync::Arc;
use std::time::Duration;

use crate::actions::Actions;
use crate::handover::Patience;
use crate::lane::{Lane, Place};
use crate::pool::Shared;
use crate::registry::WorkerState;
use crate::task::Task;
use crate::work::{Kind, Work, WorkerId};

/// How long a worker is reserved for a host that does not come; the first time and at the most.
pub(crate) const FIRST_PATIENCE: Duration = Duration::from_millis(5);
pub(crate) const MOST_PATIENCE: Duration = Duration::from_millis(640);

/// The kind of the workers to which arguments are carried.
pub(crate) const CARRIED: Kind = Kind::Isolate;

pub(crate) struct Transit<W: Work> {
    pub(crate) unsealed: Vec<Arc<Task<W>>>,
    pub(crate) waiting: Lane<W>,
    pub(crate) carried: Vec<(Arc<Task<W>>, WorkerId)>,
    /// Tasks in the workers' records.
    pub(crate) pinned: usize,
    /// Workers that keep themselves free for a waiting task.
    pub(crate) reserved: Vec<WorkerId>,
    /// Whether the host was told and has not come to the end of its work.
    pub(crate) asked: bool,
    /// Ends the reservations; there is one while there are any.
    pub(crate) alarm: Option<Arc<Patience<W>>>,
    pub(crate) patience: Duration,
    /// Whether the host let a reservation run out and was not seen since.
    pub(crate) is_missing: bool,
}

impl<W: Work> Default for Transit<W> {
    fn default() -> Self {
        Transit {
            unsealed: Vec::new(),
            waiting: Lane::default(),
            carried: Vec::new(),
            pinned: 0,
            reserved: Vec::new(),
            asked: false,
            alarm: None,
            patience: FIRST_PATIENCE,
            is_missing: false,
        }
    }
}

impl<W: Work> Transit<W> {
    /// Tasks that were not claimed.
    pub(crate) fn len(&self) -> usize {
        self.unsealed.len() + self.waiting.len() + self.carried.len() + self.pinned
    }

    /// Tasks that any worker may get.
    pub(crate) fn unassigned(&self) -> usize {
        self.unsealed.len() + self.waiting.len()
    }

    /// Waiting tasks for which a worker could be reserved now.
    pub(crate) fn unserved(&self) -> usize {
        if self.is_missing { 0 } else { self.waiting.len().saturating_sub(self.reserved.len()) }
    }

    pub(crate) fn accept(&mut self, task: Arc<Task<W>>) {
        self.unsealed.push(task);
    }

    /// Where the next waiting task stands, if a worker could be reserved for it.
    pub(crate) fn head(&mut self, buried: &mut Vec<Arc<Task<W>>>) -> Option<Place> {
        if self.unserved() == 0 {
            return None;
        }
        self.waiting.head(buried).map(|(place, _)| place)
    }

    pub(crate) fn forget_unsealed(&mut self, task: &Arc<Task<W>>) -> bool {
        let before = self.unsealed.len();
        self.unsealed.retain(|other| !Arc::ptr_eq(other, task));
        self.unsealed.len() < before
    }
}

impl<W: Work> Shared<W> {
    /// Whether a waiting task of `transit` comes before everything that waits in the lane of its kind.
    pub(crate) fn transit_is_first(&mut self, actions: &mut Actions<W>) -> bool {
        let Some(place) = self.transit.head(&mut actions.buried) else { return false };
        let lane = &mut self.lanes[CARRIED as usize];
        // What is in the lane may have its worker already.
        if lane.len() <= self.workers.woken[CARRIED as usize] {
            return true;
        }
        lane.head(&mut actions.buried).is_none_or(|(first, _)| place < first)
    }

    pub(crate) fn next_assignment(&mut self, actions: &mut Actions<W>) -> Option<(Arc<Task<W>>, WorkerId)> {
        let worker = *self.transit.reserved.last()?;
        // Drops the tombstones before it.
        self.transit.waiting.head(&mut actions.buried)?;
        let task = self.transit.waiting.pop()?;
        self.transit.reserved.pop();
        self.transit.carried.push((task.clone(), worker));
        Some((task, worker))
    }

    /// Frees reserved workers until there are no more than `most`.
    pub(crate) fn trim_reserved(&mut self, most: usize) {
        while self.transit.reserved.len() > most {
            if let Some(id) = self.transit.reserved.pop() {
                self.set_free(id);
            }
        }
        if self.transit.reserved.is_empty() {
            self.transit.alarm = None;
        }
    }

    /// Frees as many reserved workers as there are too many for the tasks that wait.
    pub(crate) fn trim_surplus(&mut self) {
        if !self.transit.reserved.is_empty() {
            self.trim_reserved(self.transit.waiting.len());
        }
    }

    /// A reserved worker is idle again.
    pub(crate) fn set_free(&mut self, id: WorkerId) {
        let Some(record) = self.workers.get(id).filter(|record| record.state == WorkerState::Reserved) else {
            return;
        };
        let (held, suspended) = (record.held.len(), record.suspended);
        if held == 0 || suspended > 0 {
            self.workers.leave_place(id);
        }
        self.workers.set_state(id, if held == 0 { WorkerState::Idle } else { WorkerState::Partial });
    }

    /// Worker `id` is not reserved any more, because it blocks or ends.
    pub(crate) fn unreserve(&mut self, id: WorkerId) {
        self.transit.reserved.retain(|other| *other != id);
    }

    /// A worker has ended, and `pinned` tasks with it. Of one that is on its way to it `delivered` will tell.
    pub(crate) fn recall(&mut self, id: WorkerId, pinned: usize) {
        self.unreserve(id);
        self.transit.pinned -= pinned;
    }

    /// A task that waits was settled: takes it out of wherever it is.
    pub(crate) fn forget_carried(&mut self, task: &Arc<Task<W>>, actions: &mut Actions<W>) {
        if self.transit.forget_unsealed(task) {
            return;
        }
        if let Some(at) = self.transit.carried.iter().position(|(other, _)| Arc::ptr_eq(other, task)) {
            // `delivered` frees the worker.
            self.transit.carried.swap_remove(at);
            return;
        }
        let holder = self
            .workers
            .iter()
            .find(|(_, record)| record.pinned.iter().any(|other| Arc::ptr_eq(other, task)))
            .map(|(id, _)| id);
        let Some(id) = holder else {
            self.transit.waiting.forget(&mut actions.buried);
            return;
        };
        if let Some(record) = self.workers.get(id) {
            record.pinned.retain(|other| !Arc::ptr_eq(other, task));
        }
        self.transit.pinned -= 1;
        if self.workers.get(id).is_some_and(|record| record.pinned.is_empty()) {
            self.set_free(id);
        }
    }

    /// Takes every task that was not claimed, wherever it is.
    pub(crate) fn drain_transit(&mut self, actions: &mut Actions<W>) -> Vec<Arc<Task<W>>> {
        let mut all = std::mem::take(&mut self.transit.unsealed);
        all.extend(self.transit.waiting.drain(&mut actions.buried));
        // The other reservations end with the next rebalancing.
        for (task, worker) in std::mem::take(&mut self.transit.carried) {
            self.set_free(worker);
            all.push(task);
        }
        if self.transit.pinned > 0 {
            let ids: Vec<WorkerId> = self.workers.iter().map(|(id, _)| id).collect();
            for id in ids {
                let pinned = self.workers.get(id).map(|record| std::mem::take(&mut record.pinned));
                if let Some(pinned) = pinned.filter(|pinned| !pinned.is_empty()) {
                    self.transit.pinned -= pinned.len();
                    all.extend(pinned);
                    self.set_free(id);
                }
            }
        }
        all
    }
}
