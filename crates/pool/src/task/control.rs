//! What running native work sees of its task.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::task::task::Task;
use crate::task::work::Work;

/// Handed to [`Work::run`].
pub struct Control<'a, W: Work> {
    task: &'a Arc<Task<W>>,
    deadline: Option<Instant>,
}

impl<'a, W: Work> Control<'a, W> {
    pub(crate) fn new(task: &'a Arc<Task<W>>, deadline: Option<Instant>) -> Self {
        Control { task, deadline }
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
