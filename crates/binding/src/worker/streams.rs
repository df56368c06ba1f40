//! The streams that a worker holds: which of them are to go on, and how fast they yield.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::tasks::task::JsTask;
use crate::worker::worker::WorkerSide;

/// Values that follow each other sooner are told to the reader many at once.
const FAST: Duration = Duration::from_micros(50);

impl WorkerSide {
    /// A stream that this worker holds is to go on.
    pub(crate) fn note_due(&self, task: Arc<JsTask>) {
        self.due.borrow_mut().push_back(task);
    }

    /// The stream that is to go on next.
    pub(crate) fn take_due(&self) -> Option<Arc<JsTask>> {
        self.due.borrow_mut().pop_front()
    }

    /// A stretch begins. Of its first value it is assumed that it comes as fast as those of the last one.
    pub(crate) fn begin_stretch(&self) {
        self.yielded.set(None);
    }

    /// A stream has yielded: rings are coalesced while values follow each other fast. Outside of the turn of
    /// the loop nobody would ring in the end.
    pub(crate) fn note_yield(&self) {
        if !self.in_turn.get() {
            return;
        }
        let now = Instant::now();
        if let Some(last) = self.yielded.replace(Some(now)) {
            self.yields_fast.set(now - last < FAST);
        }
        self.rings.set(self.yields_fast.get());
    }
}
