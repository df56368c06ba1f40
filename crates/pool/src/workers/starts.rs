//! What the pool knows of the starts of workers; what follows from it stands in `scheduler::starts`.

use std::sync::Arc;

use crate::sync::deadline::Alarm;

/// The starts of one kind, since the last one that succeeded.
#[derive(Default)]
pub(crate) struct Starts {
    /// Starts that have failed.
    pub(crate) failed: u32,
    /// Those among them where the worker ended before it was ready.
    pub(crate) died: u32,
    /// Those among them after which there was no worker of the kind, nor one that was starting.
    pub(crate) unserved: u32,
    /// The timer of the next try. While there is one no worker of the kind is asked for.
    pub(crate) retry: Option<Arc<dyn Alarm>>,
}

impl Starts {
    /// A worker of the kind has attached.
    pub(crate) fn note_success(&mut self) {
        *self = Starts::default();
    }
}
