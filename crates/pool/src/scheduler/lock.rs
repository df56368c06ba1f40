//! Taking and releasing the pool's mutex.
//!
//! Every change takes it by [`Pool::lock`], which takes in the tasks in the inbox first, so that nobody who
//! holds the mutex sees a queue without them, and releases it by [`Pool::unlock`], which tells the inbox for
//! which kinds tasks may be left there from now on; why that loses no task stands in `queue::inbox`. What the
//! change made necessary, [`Actions`], is done after that.

use std::sync::Arc;
use std::time::Instant;

use crate::queue::inbox::{self, Attended};
use crate::scheduler::actions::{Actions, StartAction};
use crate::scheduler::native;
use crate::scheduler::pool::{Pool, Shared};
use crate::sync::deadline::{self, TimeLimit};
use crate::sync::primitives::MutexGuard;
use crate::task::task::Task;
use crate::task::work::{Kind, Work};

/// The buffer for tasks that come from the inbox is kept for the next ones, unless it has room for more than
/// these.
const MOST_KEPT: usize = 4096;

impl<W: Work> Pool<W> {
    /// Runs `change` under the mutex and then does what it asked for.
    pub(crate) fn change<R>(
        self: &Arc<Self>,
        change: impl FnOnce(&mut Shared<W>, &mut Actions<W>) -> R,
    ) -> R {
        let mut actions = Actions::default();
        let mut shared = self.lock();
        let result = change(&mut shared, &mut actions);
        self.release(shared, actions);
        result
    }

    /// Releases the mutex and does what was asked for. The pool must not close between the settling of a task
    /// and its announcement. An attached worker keeps it open by being there; the calling thread need not be
    /// one, so it is counted while it announces.
    fn release(self: &Arc<Self>, mut shared: MutexGuard<'_, Shared<W>>, mut actions: Actions<W>) {
        let announces = !actions.announce.is_empty() && !shared.closed;
        shared.announcing += usize::from(announces);
        self.unlock(shared, &mut actions);
        self.act(actions);
        if announces {
            let mut actions = Actions::default();
            let mut shared = self.lock();
            shared.announcing -= 1;
            self.close_if_done(&mut shared, &mut actions);
            self.unlock(shared, &mut actions);
            self.act(actions);
        }
    }

    /// Does, without the mutex, what a change under it asked for. Settled futures are announced before the
    /// host is told that the pool has closed.
    pub(crate) fn act(self: &Arc<Self>, actions: Actions<W>) {
        for link in &actions.wake {
            link.wake();
        }
        for task in actions.announce.iter() {
            W::settled(task, actions.now);
        }
        for task in actions.let_go.iter() {
            W::let_go(task);
        }
        for action in &actions.starts {
            self.act_on_start(action, actions.now);
        }
        if let Some(limit) = actions.reservation_limit {
            self.limit_reservation(limit);
        }
        if actions.hand_over {
            self.host.hand_over();
        }
        if actions.room {
            self.host.room();
        }
        if actions.closed {
            self.host.closed();
        }
        // Last: if a destructor panics, everything else has been done.
        drop(actions);
    }

    fn act_on_start(self: &Arc<Self>, action: &StartAction, now: Instant) {
        match action {
            StartAction::Start(Kind::Native) => native::start(self),
            StartAction::Start(kind) => self.host.start_worker(*kind),
            StartAction::EndStarts(kind) => self.host.end_starts(*kind),
            StartAction::Watch(at, limit, alarm) => {
                deadline::add(*at, *limit, alarm);
            }
            StartAction::SetAlarm(at, alarm) => {
                if !deadline::add(*at, TimeLimit::Queue, alarm) {
                    self.host.resume_starts_after(at.saturating_duration_since(now));
                }
            }
        }
    }

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
        if std::mem::take(&mut shared.must_rebalance) {
            self.rebalance(&mut shared, actions);
        }
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
