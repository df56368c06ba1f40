//! Workers that are kept free for a task that needs a handover, and for how long; why stands in `handover`.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use crate::queue::transit::LONGEST_RESERVATION;
use crate::scheduler::actions::Actions;
use crate::scheduler::pool::{Pool, Shared};
use crate::sync::deadline::{self, Alarm, TimeLimit};
use crate::task::work::{Work, WorkerId};
use crate::workers::state::WorkerState;

/// Ends the reservations when the host does not come in time.
struct ReservationTimer<W: Work>(Weak<Pool<W>>);

impl<W: Work> Alarm for ReservationTimer<W> {
    fn expire(self: Arc<Self>, _limit: TimeLimit) {
        let Some(pool) = self.0.upgrade() else { return };
        let ours: Arc<dyn Alarm> = self;
        pool.change(|shared, actions| {
            let is_current = shared.transit.alarm.as_ref().is_some_and(|alarm| Arc::ptr_eq(alarm, &ours));
            if is_current {
                shared.transit.host_is_late = true;
                shared.transit.reservation_limit =
                    (shared.transit.reservation_limit * 2).min(LONGEST_RESERVATION);
                shared.trim_reserved(0);
                pool.rebalance(shared, actions);
            }
        });
    }

    fn is_over(&self) -> bool {
        false
    }
}

impl<W: Work> Pool<W> {
    /// Keeps worker `id`, which has a place or can have one, free for a waiting task.
    pub(crate) fn reserve(&self, shared: &mut Shared<W>, id: WorkerId, actions: &mut Actions<W>) {
        shared.workers.take_place(id);
        shared.workers.set_state(id, WorkerState::Reserved);
        shared.transit.reserved.push(id);
        actions.hand_over |= !std::mem::replace(&mut shared.transit.host_was_asked, true);
        if shared.transit.alarm.is_none() {
            // A worker blocks for the task. Whatever this worker would claim instead may block for a like
            // task, too.
            let is_urgent = shared.transit.waiting.is_urgent();
            actions.reservation_limit =
                Some(if is_urgent { LONGEST_RESERVATION } else { shared.transit.reservation_limit });
        }
    }

    /// Limits how long the workers that are reserved now wait for the host; called once the mutex is
    /// released.
    pub(crate) fn limit_reservation(self: &Arc<Self>, limit: Duration) {
        let alarm: Arc<dyn Alarm> = Arc::new(ReservationTimer(Arc::downgrade(self)));
        {
            let mut shared = self.state.lock();
            if shared.transit.reserved.is_empty() || shared.transit.alarm.is_some() {
                return;
            }
            shared.transit.alarm = Some(alarm.clone());
        }
        deadline::add(Instant::now() + limit, TimeLimit::Queue, &alarm);
    }
}

impl<W: Work> Shared<W> {
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

    /// Frees the reserved workers for which no task waits any more.
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

    /// A worker has ended, and `pinned` tasks with it. A task that is assigned to it is lost when the host
    /// calls `delivered`.
    pub(crate) fn recall(&mut self, id: WorkerId, pinned: usize) {
        self.unreserve(id);
        self.transit.pinned -= pinned;
    }
}
