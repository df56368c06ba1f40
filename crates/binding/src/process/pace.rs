//! What a child's tasks take: by that it is decided how many of them are sent ahead.

use std::time::{Duration, Instant};

/// For so long a task may wait in a child behind others, by what these have taken lately.
pub(super) const AHEAD: Duration = Duration::from_millis(1);
/// So many at the most.
const MOST: u32 = 32;
/// So many tasks have to have been short.
const MEASURED: u32 = 2;

/// What a child's tasks take, the way there and back included where it had to wait for them.
#[derive(Default)]
pub(crate) struct Pace {
    pub(super) since: Option<Instant>,
    average: Duration,
    measured: u32,
    /// How many tasks it has not begun although it could, since one has ended.
    pub(super) passed_over: usize,
}

impl Pace {
    /// The child is sent a task, and has none.
    pub(super) fn begin(&mut self) {
        self.since = Some(Instant::now());
    }

    /// A task is over, and the child has begun the next one if it has any.
    pub(super) fn end(&mut self) {
        let now = Instant::now();
        if let Some(since) = self.since.replace(now) {
            let time = now - since;
            self.average = if self.measured == 0 { time } else { (self.average * 3 + time) / 4 };
            self.measured = self.measured.saturating_add(1);
        }
    }

    /// The task that runs is long, or has ended otherwise than by itself.
    pub(super) fn reset(&mut self) {
        self.measured = 0;
    }

    /// How many tasks may wait in the child.
    pub(super) fn room(&self) -> usize {
        if self.measured < MEASURED {
            return 0;
        }
        let many = AHEAD.as_nanos() / self.average.as_nanos().max(1);
        many.min(u128::from(MOST)) as usize
    }
}
