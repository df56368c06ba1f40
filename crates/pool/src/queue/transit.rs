//! The tasks that need a handover and were not claimed, by how far each is, and the workers that are reserved
//! for them. The rules are in `scheduler::handover`.

use std::sync::Arc;
use std::time::Duration;

use crate::queue::lane::Place;
use crate::queue::task_queue::TaskQueue;
use crate::sync::deadline::Alarm;
use crate::task::task::Task;
use crate::task::work::{Kind, Work, WorkerId};

/// How long a worker is reserved while the host does not come: the first time, and at the most.
pub(crate) const FIRST_RESERVATION: Duration = Duration::from_millis(5);
pub(crate) const LONGEST_RESERVATION: Duration = Duration::from_millis(640);

pub(crate) struct Transit<W: Work> {
    /// Which workers such tasks are for; see `Config::handover_kind`.
    pub(crate) kind: Kind,
    /// Tasks whose payload the host cannot have yet.
    pub(crate) unready: Vec<Arc<Task<W>>>,
    /// Tasks that can be assigned, in the order of the queue.
    pub(crate) waiting: TaskQueue<W>,
    /// Tasks that the host is handing over, each with the worker that it goes to.
    pub(crate) assigned: Vec<(Arc<Task<W>>, WorkerId)>,
    /// How many tasks are pinned in the workers' records.
    pub(crate) pinned: usize,
    /// Workers that are kept free for a waiting task.
    pub(crate) reserved: Vec<WorkerId>,
    /// Whether the host was told that there are tasks to hand over, and has not come to their end.
    pub(crate) host_was_asked: bool,
    /// Ends the reservations; there is one while there are any.
    pub(crate) alarm: Option<Arc<dyn Alarm>>,
    /// How long the next reservations last.
    pub(crate) reservation_limit: Duration,
    /// Whether a reservation ran out, and the host has not come since.
    pub(crate) host_is_late: bool,
}

impl<W: Work> Transit<W> {
    pub(crate) fn new(kind: Kind) -> Self {
        Transit {
            kind,
            unready: Vec::new(),
            waiting: TaskQueue::default(),
            assigned: Vec::new(),
            pinned: 0,
            reserved: Vec::new(),
            host_was_asked: false,
            alarm: None,
            reservation_limit: FIRST_RESERVATION,
            host_is_late: false,
        }
    }

    /// All tasks here.
    pub(crate) fn len(&self) -> usize {
        self.unready.len() + self.waiting.total() + self.assigned.len() + self.pinned
    }

    /// Tasks that any worker of `kind` may get.
    pub(crate) fn unassigned_of(&self, kind: Kind) -> usize {
        if kind == self.kind { self.unready.len() + self.waiting.total() } else { 0 }
    }

    /// Waiting tasks for which a worker of `kind` could be reserved now.
    pub(crate) fn unserved_of(&self, kind: Kind) -> usize {
        if kind == self.kind { self.unserved() } else { 0 }
    }

    fn unserved(&self) -> usize {
        if self.host_is_late { 0 } else { self.waiting.len().saturating_sub(self.reserved.len()) }
    }

    pub(crate) fn accept(&mut self, task: Arc<Task<W>>) {
        self.unready.push(task);
    }

    /// The place in the order of the next waiting task, if a worker could be reserved for it.
    pub(crate) fn head(&mut self, removed: &mut Vec<Arc<Task<W>>>) -> Option<Place> {
        if self.unserved() == 0 {
            return None;
        }
        self.waiting.head(removed).map(|(place, _)| place)
    }

    pub(crate) fn remove_unready(&mut self, task: &Arc<Task<W>>) -> bool {
        let before = self.unready.len();
        self.unready.retain(|other| !Arc::ptr_eq(other, task));
        self.unready.len() < before
    }
}
