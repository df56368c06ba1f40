//! A task's work as it is sent to a child.

use std::sync::Arc;

use process::Part;

use crate::values::shared_use::SharedUse;

/// Can be copied at little cost, for another child that gets the task when one has given it back.
#[derive(Clone)]
pub(crate) struct WrittenWork {
    pub(crate) parts: Vec<Part>,
    /// The shared values that it names; the child has to have them before.
    pub(crate) shared: Box<[Arc<dyn SharedUse>]>,
}

impl WrittenWork {
    pub(crate) fn length(&self) -> usize {
        self.parts.iter().map(|part| part.bytes().len()).sum()
    }
}
