//! A shared value among the arguments of a task, as far as values need to know it.

use std::sync::Arc;

/// One use of a shared value; the value stays as long as there are any (`shared_value`).
pub(crate) trait SharedUse: Send + Sync {
    /// Unique in the process.
    fn number(&self) -> u64;
}

/// A use, and the place for which the value stands: lib/values/shared-arguments.ts says of what.
pub(crate) struct SharedPlace {
    pub(crate) place: u32,
    pub(crate) value: Arc<dyn SharedUse>,
}

/// Where those are that another process has sent, by its numbers.
pub(crate) trait SharedSource {
    fn shared(&self, number: u64) -> Option<Arc<dyn SharedUse>>;
}
