//! What a change under the mutex makes necessary, and is done once the mutex is released: everything
//! that runs code of the pool's user, destructors among it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::sync::deadline::{Alarm, TimeLimit};
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

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.first.iter().chain(&self.others)
    }
}

/// What is seldom to be done: about the starts of workers, and about tasks that begin where they were sent.
pub(crate) enum StartAction {
    /// One more worker is wanted.
    Start(Kind),
    /// Those that have not attached are wanted no more.
    EndStarts(Kind),
    /// A pause ends then.
    SetAlarm(Instant, Arc<dyn Alarm>),
    /// This limit of a task is over then: its run time, which has begun where it was sent ahead to, or its
    /// whole time, which was over while a worker had it that has given it back.
    Watch(Instant, TimeLimit, Arc<dyn Alarm>),
}

/// What is to be done once the mutex is released.
pub(crate) struct Actions<W: Work> {
    /// When the change began: the one look at the clock that it needs.
    pub(crate) now: Instant,
    pub(crate) wake: Vec<Arc<dyn WorkerLink<W>>>,
    /// In one list, because nearly every change has none.
    pub(crate) starts: Vec<StartAction>,
    pub(crate) announce: Few<Arc<Task<W>>>,
    /// Tasks that had settled before their worker let them go.
    pub(crate) let_go: Few<Arc<Task<W>>>,
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
            starts: Vec::new(),
            announce: Few::default(),
            let_go: Few::default(),
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
