//! A thread that blocks for a short task stays awake for a moment: to be woken takes several times longer
//! than such a task.
//!
//! Staying awake pays only while the tasks are that short and a core is there for their worker. So it is
//! tried again ever more rarely after it was in vain, and never where there is one core.

use std::cell::Cell;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use pool::spin_until;

/// The longest that a thread stays awake: a few times what a short task takes there and back.
const SPIN_TIME: Duration = Duration::from_micros(20);
/// Looks between two looks at the clock.
const LOOKS: u32 = 16;
/// After this many failures in a row, or more, it is tried at one wait in `1 << MOST_FAILURES`.
const MOST_FAILURES: u32 = 6;

static HAS_SPARE_CORES: LazyLock<bool> =
    LazyLock::new(|| std::thread::available_parallelism().is_ok_and(|cores| cores.get() > 1));

pub(crate) fn has_spare_cores() -> bool {
    *HAS_SPARE_CORES
}

/// How it went for one thread so far.
#[derive(Default)]
pub(crate) struct Spin {
    failures: Cell<u32>,
    /// For so many waits it is not tried.
    skips: Cell<u32>,
}

impl Spin {
    /// Stays awake for a moment, until `is_over`. Says whether it was.
    pub(crate) fn wait(&self, deadline: Instant, is_over: impl Fn() -> bool) -> bool {
        if !*HAS_SPARE_CORES {
            return false;
        }
        if let Some(left) = self.skips.get().checked_sub(1) {
            self.skips.set(left);
            return false;
        }
        if spin_until(deadline.min(Instant::now() + SPIN_TIME), LOOKS, is_over) {
            self.failures.set(0);
            return true;
        }
        let failures = (self.failures.get() + 1).min(MOST_FAILURES);
        self.failures.set(failures);
        self.skips.set((1 << failures) - 1);
        false
    }
}
