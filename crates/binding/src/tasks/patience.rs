//! When a worker is started for tasks that blocked workers keep waiting.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// For how long, in all, the blocked workers of a pool may leave tasks waiting that another worker could
/// run, before that worker is started. To start it takes tens of milliseconds of a core, so it is worth
/// while once about as much was lost; a pool whose tasks block for a moment now and then does without.
#[derive(Default)]
pub(crate) struct Patience {
    // ORDERING: an estimate.
    spent: AtomicU64,
}

/// In nanoseconds.
const MOST_PATIENCE: u64 = 10_000_000;

impl Patience {
    pub(crate) fn left(&self) -> Duration {
        Duration::from_nanos(MOST_PATIENCE.saturating_sub(self.spent.load(Ordering::Relaxed)))
    }

    /// Once all is spent a worker is started, and it begins anew.
    pub(crate) fn spend(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(MOST_PATIENCE).min(MOST_PATIENCE);
        if self.spent.fetch_add(nanos, Ordering::Relaxed) + nanos >= MOST_PATIENCE {
            self.spent.store(0, Ordering::Relaxed);
        }
    }
}
