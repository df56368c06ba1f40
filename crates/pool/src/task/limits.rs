//! The time limits of a task, and what ends it when one of them is over.
//!
//! The deadline thread holds a task as an [`Alarm`] and tells it which limit is over. The task passes that on
//! to what settles it, which is its pool: it knows the pool by [`Expire`] alone, because the pool is made of
//! tasks.

use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::sync::deadline::{Alarm, Limit};
use crate::task::task::Task;
use crate::task::work::Work;

/// What settles tasks whose time is over. Called with no lock held.
pub(crate) trait Expire<W: Work>: Send + Sync {
    /// The queue time of `task` is over: fails it, if it still waits.
    fn queue_time_over(self: Arc<Self>, task: &Arc<Task<W>>);
    /// The run time of `task` is over: has its worker settle and stop it, or fails it here if it has none.
    fn run_time_over(self: Arc<Self>, task: &Arc<Task<W>>);
    /// See [`Task::time_out`].
    fn time_out(self: Arc<Self>, task: &Arc<Task<W>>, trace: Option<String>) -> bool;
}

/// The limits of a task that has any.
pub(crate) struct Limits<W: Work> {
    /// The longest run time.
    pub(crate) timeout: Option<Duration>,
    /// Weak: a pool that is gone has nothing to settle, and waiting tasks would keep it alive for ever.
    pub(crate) pool: Weak<dyn Expire<W>>,
}

impl<W: Work> Alarm for Task<W> {
    fn expire(self: Arc<Self>, limit: Limit) {
        let Some(pool) = self.limits.as_ref().and_then(|limits| limits.pool.upgrade()) else { return };
        match limit {
            Limit::Queue => pool.queue_time_over(&self),
            Limit::Run => pool.run_time_over(&self),
        }
    }

    fn is_over(&self) -> bool {
        self.state().is_settled()
    }
}
