//! The time limits of a task, and what ends it when one of them is over.
//!
//! The deadline thread holds a task as an [`Alarm`] and tells it which limit is over. The task passes that on
//! to what settles it, which is its pool: it knows the pool by [`Expire`] alone, because the pool is made of
//! tasks.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use crate::sync::deadline::{Alarm, TimeLimit};
use crate::task::task::Task;
use crate::task::work::Work;

/// What settles tasks whose time is over. Called with no lock held.
pub(crate) trait Expire<W: Work>: Send + Sync {
    /// The queue time of `task` is over: fails it, if it still waits.
    fn queue_time_over(self: Arc<Self>, task: &Arc<Task<W>>);
    /// The run time of `task` is over: has its worker settle and stop it, or fails it here if it has none.
    fn run_time_over(self: Arc<Self>, task: &Arc<Task<W>>);
    /// The time that `task` has in all is over: fails it, if it still waits; else as for the run time.
    fn total_time_over(self: Arc<Self>, task: &Arc<Task<W>>);
    /// See [`Task::time_out`].
    fn time_out(self: Arc<Self>, task: &Arc<Task<W>>, trace: Option<String>) -> bool;
}

/// The limits of a task that has any.
pub(crate) struct Limits<W: Work> {
    /// The longest run time.
    pub(crate) timeout: Option<Duration>,
    /// The longest time from the submission to the end.
    pub(crate) total: Option<Duration>,
    /// Weak: a pool that is gone has nothing to settle, and waiting tasks would keep it alive for ever.
    pub(crate) pool: Weak<dyn Expire<W>>,
}

impl<W: Work> Task<W> {
    /// The longest run time, if limited.
    #[must_use]
    pub fn timeout(&self) -> Option<Duration> {
        self.limits.as_ref().and_then(|limits| limits.timeout)
    }

    /// When the time that it has in all is over, if that is limited. A limit that no clock can reach is none.
    #[must_use]
    pub fn total_end(&self) -> Option<Instant> {
        self.submitted.checked_add(self.limits.as_ref()?.total?)
    }

    /// When its run time is over, once it has begun, if that is limited.
    #[must_use]
    pub fn run_end(&self) -> Option<Instant> {
        let limit = self.timeout()?;
        self.started()?.checked_add(limit)
    }

    /// When the first of the limits of a task that has begun is over, and which that is.
    fn first_end(&self) -> Option<(Instant, TimeLimit)> {
        self.limits.as_ref()?;
        let run = self.run_end().map(|at| (at, TimeLimit::Run));
        let total = self.total_end().map(|at| (at, TimeLimit::Total));
        [run, total].into_iter().flatten().min()
    }

    /// By when a task that has begun must end; `None` without limit.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.first_end().map(|(at, _)| at)
    }

    /// Which limit of a task that has begun is over, the first if both are.
    pub(crate) fn limit_over(&self, now: Instant) -> Option<TimeLimit> {
        self.first_end().filter(|(at, _)| *at <= now).map(|(_, limit)| limit)
    }
}

impl<W: Work> Alarm for Task<W> {
    fn expire(self: Arc<Self>, limit: TimeLimit) {
        let Some(pool) = self.limits.as_ref().and_then(|limits| limits.pool.upgrade()) else { return };
        match limit {
            TimeLimit::Queue => pool.queue_time_over(&self),
            TimeLimit::Run => pool.run_time_over(&self),
            TimeLimit::Total => pool.total_time_over(&self),
        }
    }

    fn is_over(&self) -> bool {
        self.state().is_settled()
    }
}
