//! The slots of an isolate's futures. TypeScript knows a future by its slot; a slot is used again once its
//! future was delivered.

use std::sync::Arc;

use crate::tasks::task::JsTask;

/// With more slots than this the memory is given back once all are free.
const MANY: usize = 65_536;

/// The futures that this isolate has submitted and that were not delivered yet.
#[derive(Default)]
pub(crate) struct FutureSlab {
    tasks: Vec<Option<Arc<JsTask>>>,
    free: Vec<u32>,
}

impl FutureSlab {
    /// A slot for a task that is about to be submitted.
    pub(crate) fn reserve(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.tasks.push(None);
            (self.tasks.len() - 1) as u32
        })
    }

    pub(crate) fn fill(&mut self, slot: u32, task: Arc<JsTask>) {
        self.tasks[slot as usize] = Some(task);
    }

    pub(crate) fn get(&self, slot: u32) -> Option<&Arc<JsTask>> {
        self.tasks.get(slot as usize)?.as_ref()
    }

    /// Whether `slot` holds this very task: a slot that is used again holds another.
    pub(crate) fn holds(&self, slot: u32, task: &Arc<JsTask>) -> bool {
        self.get(slot).is_some_and(|held| Arc::ptr_eq(held, task))
    }

    /// All of them.
    pub(crate) fn into_tasks(self) -> impl Iterator<Item = Arc<JsTask>> {
        self.tasks.into_iter().flatten()
    }

    /// The slot is free.
    pub(crate) fn release(&mut self, slot: u32) {
        self.tasks[slot as usize] = None;
        self.free.push(slot);
        // A burst of a million futures does not keep its memory for ever.
        if self.free.len() == self.tasks.len() && self.tasks.len() > MANY {
            *self = FutureSlab::default();
        }
    }
}
