//! Taking and releasing the pool's mutex, so that nobody who holds it sees a queue without what is in the
//! inbox.
//!
//! Every change takes it by [`Pool::lock`], which takes the inbox in first, and releases it by
//! [`Pool::unlock`], which tells the inbox for which kinds tasks may be left there from now on; why that
//! loses no task stands in `inbox`.

use std::sync::Arc;

use crate::queue::inbox::{self, Attended};
use crate::scheduler::actions::Actions;
use crate::scheduler::pool::{Pool, Shared};
use crate::sync::primitives::MutexGuard;
use crate::task::task::Task;
use crate::task::work::Work;

/// The buffer for tasks that come from the inbox is kept for the next ones, unless it has room for more than
/// these.
const MOST_KEPT: usize = 4096;

impl<W: Work> Pool<W> {
    /// Takes the mutex, and takes in what was submitted without it. Whoever changes anything releases it by
    /// `unlock` or `release`.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Shared<W>> {
        let mut shared = self.state.lock();
        if self.inbox.has_news() {
            let mut arrivals = std::mem::take(&mut shared.arrivals);
            self.inbox.take(&mut arrivals);
            shared.take_in(arrivals);
        }
        shared
    }

    /// Tells the inbox for which kinds tasks may be left there from now on, and releases the mutex. If the
    /// inbox gave back tasks for that, workers are sent for them first.
    pub(crate) fn unlock(&self, mut shared: MutexGuard<'_, Shared<W>>, actions: &mut Actions<W>) {
        loop {
            let attended = self.attended(&shared);
            if attended == shared.attended || self.attend(&mut shared, attended) == 0 {
                return;
            }
            self.rebalance(&mut shared, actions);
        }
    }

    /// From now on no task is left in the inbox; those that were are in the queue.
    pub(crate) fn close_inbox(&self, shared: &mut Shared<W>) {
        self.attend(shared, inbox::NONE);
    }

    /// Tells the inbox, and takes in the tasks that it gives back for that; returns how many.
    fn attend(&self, shared: &mut Shared<W>, attended: Attended) -> usize {
        let mut left = std::mem::take(&mut shared.arrivals);
        self.inbox.attend(attended, &mut left);
        shared.attended = attended;
        let count = left.len();
        shared.take_in(left);
        count
    }
}

impl<W: Work> Shared<W> {
    /// Puts tasks that have been submitted in their lanes, and keeps the memory that they came in.
    fn take_in(&mut self, mut arrivals: Vec<Arc<Task<W>>>) {
        for task in arrivals.drain(..) {
            self.lanes[task.kind() as usize].push(task);
        }
        if arrivals.capacity() <= MOST_KEPT {
            self.arrivals = arrivals;
        }
    }
}
