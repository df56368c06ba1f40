//! Somebody who waits for workers; the rules are in `scheduler::warm_up`.

use std::sync::Arc;

use crate::task::task::Task;
use crate::task::work::Work;

pub(crate) struct WarmUp<W: Work> {
    pub(crate) task: Arc<Task<W>>,
    /// How many are to live at once.
    pub(crate) workers: usize,
    /// What the future gets.
    pub(crate) value: W::Value,
}
