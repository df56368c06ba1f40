//! Tasks for workers that have not attached yet. Those for the others are in the workers' records; the rules
//! are in `scheduler::broadcast`.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::task::task::Task;
use crate::task::work::Work;

/// What one broadcast has for the workers that were starting then, one task for each.
pub(crate) struct Owed<W: Work> {
    /// They are among the workers that were asked for until then: so many.
    pub(crate) asked: u64,
    pub(crate) tasks: VecDeque<Arc<Task<W>>>,
}

/// In the order in which they came.
pub(crate) struct Broadcasts<W: Work>(Vec<Owed<W>>);

impl<W: Work> Default for Broadcasts<W> {
    fn default() -> Self {
        Broadcasts(Vec::new())
    }
}

impl<W: Work> Broadcasts<W> {
    pub(crate) fn push(&mut self, asked: u64, tasks: VecDeque<Arc<Task<W>>>) {
        if !tasks.is_empty() {
            self.0.push(Owed { asked, tasks });
        }
    }

    /// How many tasks wait here.
    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(|owed| owed.tasks.len()).sum()
    }

    /// The worker that was asked for as this one is there, or will never be: what is for it. One whose number
    /// is not known counts as the first.
    pub(crate) fn take_for(&mut self, start: Option<u64>) -> Vec<Arc<Task<W>>> {
        let is_meant = |owed: &&mut Owed<W>| start.is_none_or(|number| number <= owed.asked);
        let taken = self.0.iter_mut().filter(is_meant).filter_map(|owed| owed.tasks.pop_front()).collect();
        self.0.retain(|owed| !owed.tasks.is_empty());
        taken
    }

    /// So many workers are starting, and no others will have what is here: what is for none of them.
    pub(crate) fn take_beyond(&mut self, starting: usize) -> Vec<Arc<Task<W>>> {
        let beyond = |owed: &mut Owed<W>| owed.tasks.split_off(owed.tasks.len().min(starting));
        let taken = self.0.iter_mut().flat_map(beyond).collect();
        self.0.retain(|owed| !owed.tasks.is_empty());
        taken
    }

    /// Takes out a task that has settled; whether it was here.
    pub(crate) fn forget(&mut self, task: &Arc<Task<W>>) -> bool {
        let before = self.len();
        for owed in &mut self.0 {
            owed.tasks.retain(|other| !Arc::ptr_eq(other, task));
        }
        self.0.retain(|owed| !owed.tasks.is_empty());
        self.len() < before
    }
}
