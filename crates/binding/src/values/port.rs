//! A port value, which only a MessagePort can carry, among the values that the addon carries: its number.

use std::sync::Arc;

/// A port value, as far as values need to know it.
pub(crate) trait OnPort: Send + Sync {
    /// Its number, for the one that takes it off the port.
    fn read(&self) -> f64;

    /// The reference to it was dropped, whether it has been read or not.
    fn dropped(&self);
}

/// The one reference to a port value among the arguments or results of a task.
pub(crate) struct PortRef(pub(crate) Arc<dyn OnPort>);

impl Drop for PortRef {
    fn drop(&mut self) {
        self.0.dropped();
    }
}
