//! The number of what only a MessagePort can carry, as a value.

use std::sync::Arc;

/// What a MessagePort carries beside the addon.
pub(crate) trait OnPort: Send + Sync {
    /// The number, for the one that takes what is carried.
    fn read(&self) -> f64;

    /// The value that held the number is gone, whether anybody has read it or not.
    fn dropped(&self);
}

/// Held by the one value that stands for what is carried.
pub(crate) struct PortRef(pub(crate) Arc<dyn OnPort>);

impl Drop for PortRef {
    fn drop(&mut self) {
        self.0.dropped();
    }
}
