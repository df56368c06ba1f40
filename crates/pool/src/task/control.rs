//! What running native work sees of its task.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::task::task::Task;
use crate::task::work::Work;

/// Handed to [`Work::run`].
pub struct Control<'a, W: Work> {
    task: &'a Arc<Task<W>>,
    deadline: Option<Instant>,
    is_open: &'a (dyn Fn() -> bool + Sync),
}

impl<'a, W: Work> Control<'a, W> {
    pub(crate) fn new(
        task: &'a Arc<Task<W>>,
        deadline: Option<Instant>,
        is_open: &'a (dyn Fn() -> bool + Sync),
    ) -> Self {
        Control { task, deadline, is_open }
    }

    /// Whether the pool accepts tasks still. What is left of a task may be submitted anew only then: a pool
    /// that is shut down may be closed when that comes.
    #[must_use]
    pub fn has_open_pool(&self) -> bool {
        (self.is_open)()
    }

    /// Whether the task has been cancelled or its time is over, so that its result is not used. Costs one
    /// load.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        self.task.is_cancel_requested()
    }

    /// When the task's run time is over, if it is limited.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The run time that is left, if it is limited.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        self.deadline.map(|at| at.saturating_duration_since(Instant::now()))
    }

    /// The task that runs.
    #[must_use]
    pub fn task(&self) -> &'a Arc<Task<W>> {
        self.task
    }
}
