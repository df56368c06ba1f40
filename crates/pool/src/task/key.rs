//! The keys of tasks.

use std::sync::Arc;

/// What tasks have in common that are to run on one worker, one after another. Two keys are the same if their
/// bytes are.
// A thin pointer: most tasks have none, and room for it all the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key(Arc<Box<[u8]>>);

impl Key {
    #[must_use]
    pub fn new(bytes: Box<[u8]>) -> Self {
        Key(Arc::new(bytes))
    }

    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}
