//! For how long a worker runs tasks in one turn of its loop, and whether they are short.

use std::time::{Duration, Instant};

use crate::worker::worker::WorkerSide;

/// How long tasks are run before timers, messages and other callbacks get a turn.
const TURN_TIME: Duration = Duration::from_millis(4);

/// The clock of one turn. A look at it costs a part of a small task, so it is looked at after every few.
pub(crate) struct Pace {
    until: Instant,
    /// When the clock was looked at last, and the tasks since.
    last: Instant,
    tasks: u32,
    /// How long each of the last tasks took.
    each: Duration,
    /// Whether the worker has waited since the last look: it may do so in each step.
    has_rested: bool,
    /// How many looks have found long what had been short, since eight tasks were short.
    doubts: u32,
    /// Whether the last look was one of those: then each task is looked at.
    has_doubt: bool,
}

/// Tasks between two looks at the clock while they are short.
const STRIDE: u32 = 8;
/// Below this a task is short, and rings are coalesced.
const SHORT: Duration = Duration::from_micros(50);
/// After so many looks at which they were not, they no longer are. A short task, too, takes long while its
/// thread has no core, and to ring for each of the next ones would take the core away again. The watcher of
/// rings sees to it that nothing waits for long meanwhile.
const DOUBTS: u32 = 3;
/// From this on, to let another thread have the core costs little beside a task.
const WORTH_A_YIELD: Duration = Duration::from_micros(8);

impl Pace {
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        Pace {
            until: now + TURN_TIME,
            last: now,
            tasks: 0,
            each: Duration::ZERO,
            has_rested: false,
            doubts: 0,
            has_doubt: false,
        }
    }

    /// Whether the turn is over. Decides, by the pace of the last tasks, whether rings are coalesced.
    pub(crate) fn is_over(&mut self, side: &WorkerSide) -> bool {
        self.tasks += 1;
        let is_on = side.rings.is_on();
        if is_on && self.tasks < STRIDE && !std::mem::take(&mut self.has_rested) && !self.has_doubt {
            return false;
        }
        let now = Instant::now();
        let each = (now - self.last) / self.tasks;
        let is_long = each > SHORT;
        if self.tasks >= STRIDE || is_long {
            self.doubts = if is_long && is_on { self.doubts + 1 } else { 0 };
            self.has_doubt = (1..=DOUBTS).contains(&self.doubts);
            if !self.has_doubt {
                side.rings.set(!is_long && self.tasks >= STRIDE);
                self.doubts = 0;
            }
            (self.last, self.tasks, self.each) = (now, 0, each);
        } else {
            self.has_doubt = false;
        }
        now >= self.until
    }

    /// Whether a worker that has woken the submitter's thread should let it have the core. Workers that never
    /// sleep take it from that thread for milliseconds where there are as many of them as cores.
    pub(crate) fn may_yield(&self) -> bool {
        self.each >= WORTH_A_YIELD
    }

    /// The worker has waited: that time does not count.
    pub(crate) fn rest(&mut self) {
        self.tasks = 0;
        self.last = Instant::now();
        self.has_rested = true;
    }
}
