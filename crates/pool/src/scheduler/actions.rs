//! What a change under the mutex makes necessary, and is done once the mutex is released: everything
//! that runs code of the pool's user, destructors among it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::scheduler::native;
use crate::scheduler::pool::{Pool, Shared};
use crate::sync::primitives::MutexGuard;
use crate::task::outcome::Outcome;
use crate::task::task::Task;
use crate::task::work::{Kind, Work, WorkerLink};

/// A list that is nearly always empty or of one, and then needs no memory of its own.
pub(crate) struct Few<T> {
    first: Option<T>,
    others: Vec<T>,
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Few { first: None, others: Vec::new() }
    }
}

impl<T> Few<T> {
    pub(crate) fn push(&mut self, item: T) {
        match self.first {
            None => self.first = Some(item),
            Some(_) => self.others.push(item),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    fn iter(&self) -> impl Iterator<Item = &T> {
        self.first.iter().chain(&self.others)
    }
}

/// What is to be done once the mutex is released.
pub(crate) struct Actions<W: Work> {
    /// When the change began: the one look at the clock that it needs.
    pub(crate) now: Instant,
    pub(crate) wake: Vec<Arc<dyn WorkerLink<W>>>,
    pub(crate) start: Vec<Kind>,
    pub(crate) announce: Few<Arc<Task<W>>>,
    pub(crate) room: bool,
    pub(crate) closed: bool,
    pub(crate) hand_over: bool,
    /// Workers were reserved; they wait for the host no longer than this.
    pub(crate) reservation_limit: Option<Duration>,
    /// Work that will never run; its destructor is the user's, as are those of the next two.
    pub(crate) dropped: Vec<W>,
    /// Outcomes of tasks that had settled before.
    pub(crate) late: Vec<Outcome<W>>,
    /// Settled tasks that were taken out of a lane or off a worker's list: perhaps the last references to
    /// them.
    pub(crate) removed: Vec<Arc<Task<W>>>,
}

impl<W: Work> Default for Actions<W> {
    fn default() -> Self {
        Actions {
            now: Instant::now(),
            wake: Vec::new(),
            start: Vec::new(),
            announce: Few::default(),
            room: false,
            closed: false,
            hand_over: false,
            reservation_limit: None,
            dropped: Vec::new(),
            late: Vec::new(),
            removed: Vec::new(),
        }
    }
}

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
    pub(crate) fn release(self: &Arc<Self>, mut shared: MutexGuard<'_, Shared<W>>, mut actions: Actions<W>) {
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
            W::settled(task);
        }
        for kind in &actions.start {
            match kind {
                Kind::Native => native::start(self),
                Kind::Isolate | Kind::Process => self.host.start_worker(*kind),
            }
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
}
