//! What the pool waits for from one worker: the answer to a call, the end of a load, the end of its thread.
//! The watchdog sees by it whether the worker comes back.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use parking_lot::Mutex;

/// What is outstanding. Two that are equal are the same one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outstanding {
    /// An answer to the call of this number.
    Answer(u64),
    /// The end of this load.
    Load(Load),
    /// The end of its thread.
    End,
}

/// A load of a function: a number that is unique in the process above the function's, which is counted from
/// 1.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Load(u64);

impl Load {
    pub(crate) fn function(self) -> u32 {
        (self.0 as u32).wrapping_sub(1)
    }
}

/// Calls and answers of one worker.
pub(crate) struct Pulse {
    /// How often the worker was called, by the pool or by itself. Raised before the bell rings, so whoever
    /// comes for the bell sees it.
    called: AtomicU64,
    /// `called` as it was when the worker last asked for a task.
    answered: AtomicU64,
    /// The load under way, or 0.
    load: AtomicU64,
    /// Whether the worker has left the pool, and its thread has not ended.
    leaves: AtomicBool,
    /// How often the worker's event loop has called it.
    // ORDERING: a number that is only compared with itself.
    turns: AtomicU64,
    /// What the watchdog has seen, and since when.
    pub(crate) seen: Mutex<Option<(Outstanding, Instant)>>,
    /// Makes the watchdog look.
    wake: fn(),
}

impl Pulse {
    /// `wake` is called whenever something begins to be outstanding.
    pub(crate) fn new(wake: fn()) -> Pulse {
        Pulse {
            called: AtomicU64::new(0),
            answered: AtomicU64::new(0),
            load: AtomicU64::new(0),
            leaves: AtomicBool::new(false),
            turns: AtomicU64::new(0),
            seen: Mutex::new(None),
            wake,
        }
    }

    /// The worker is called, to ask for its next task.
    pub(crate) fn call(&self) {
        self.called.fetch_add(1, Ordering::Release);
        (self.wake)();
    }

    /// The worker asks for its next task.
    pub(crate) fn answer(&self) {
        self.answered.store(self.called.load(Ordering::Acquire), Ordering::Release);
    }

    /// The worker's event loop has called it.
    pub(crate) fn note_turn(&self) {
        self.turns.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn turns(&self) -> u64 {
        self.turns.load(Ordering::Relaxed)
    }

    pub(crate) fn begin_load(&self, function: u32) {
        // ORDERING: only uniqueness matters.
        static LOADS: AtomicU64 = AtomicU64::new(0);
        let number = LOADS.fetch_add(1, Ordering::Relaxed) << 32;
        self.load.store(number | (u64::from(function) + 1), Ordering::Release);
        (self.wake)();
    }

    pub(crate) fn end_load(&self) {
        self.load.store(0, Ordering::Release);
    }

    pub(crate) fn begin_leaving(&self) {
        self.leaves.store(true, Ordering::Release);
        (self.wake)();
    }

    pub(crate) fn end_leaving(&self) {
        self.leaves.store(false, Ordering::Release);
    }

    /// Whether the worker has not come back from something that it was called for, or went to load, or has
    /// left for.
    pub(crate) fn has_outstanding(&self) -> bool {
        self.outstanding().is_some()
    }

    pub(crate) fn outstanding(&self) -> Option<Outstanding> {
        if self.leaves.load(Ordering::Acquire) {
            return Some(Outstanding::End);
        }
        match self.load.load(Ordering::Acquire) {
            0 => {
                let called = self.called.load(Ordering::Acquire);
                (called != self.answered.load(Ordering::Acquire)).then_some(Outstanding::Answer(called))
            }
            load => Some(Outstanding::Load(Load(load))),
        }
    }
}
