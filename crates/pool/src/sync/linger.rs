//! How long a worker that runs dry looks for its next task before it rests.
//!
//! To wake a thread takes longer than a small task, on both sides. So a worker always looks for a moment. A worker that is alone looks longer, as long
//! as its next task has come soon every time: somebody waits for each result before submitting the next task. Several that looked for long
//! would take from the submitter, and from each other, the cores that they need.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// What every worker does.
const SHORT: Duration = Duration::from_micros(30);
/// The longest; also what counts as soon.
const LONG: Duration = Duration::from_micros(150);
/// After so many tasks in a row that came soon.
const ROW: u32 = 3;

/// What one worker knows of its own pauses.
#[derive(Default)]
pub struct Linger {
    dry_since: Cell<Option<Instant>>,
    in_a_row: Cell<u32>,
}

impl Linger {
    /// The worker has run dry, `alone` or not: until when it looks, with `now` for this moment.
    pub fn begin(&self, now: Instant, alone: bool) -> Instant {
        self.dry_since.set(Some(now));
        now + if alone && self.in_a_row.get() >= ROW { LONG } else { SHORT }
    }

    /// The worker has its next task, whether it lingered or rested meanwhile.
    pub fn end(&self) {
        if let Some(since) = self.dry_since.take() {
            let came_soon = since.elapsed() <= LONG;
            self.in_a_row.set(if came_soon { self.in_a_row.get().saturating_add(1) } else { 0 });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(linger: &Linger) -> Duration {
        let now = Instant::now();
        linger.begin(now, true) - now
    }

    #[test]
    fn a_worker_lingers_longer_while_its_tasks_come_soon() {
        let linger = Linger::default();
        let long_ago = Instant::now().checked_sub(Duration::from_secs(1));
        for _ in 0..ROW {
            assert_eq!(limit(&linger), SHORT);
            linger.dry_since.set(Some(Instant::now()));
            linger.end();
        }
        assert_eq!(limit(&linger), LONG);
        let now = Instant::now();
        assert_eq!(linger.begin(now, false) - now, SHORT);
        linger.dry_since.set(long_ago);
        linger.end();
        assert_eq!(limit(&linger), SHORT);
        // A task that comes without a pause says nothing.
        linger.dry_since.set(None);
        linger.end();
        assert_eq!(linger.in_a_row.get(), 0);
    }
}
