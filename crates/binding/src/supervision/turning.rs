//! Whether the event loop of a worker still turns, for one that holds tasks which are to end: a loop that a
//! stopped task has left behind, or is in, would keep them from it for ever.

use std::time::{Duration, Instant};

use crate::supervision::silence::Silence;
use crate::supervision::times::{GRACE_STEP, TURN_LOOK, TURN_MISSED};
use crate::supervision::worker_handle::WorkerHandle;

/// The worker was rung, and is looked at until its loop has turned.
#[derive(Debug)]
pub(super) struct Turning {
    /// How often the loop had turned when it was rung.
    turns: u64,
    since: Instant,
    /// The time that the thread had had on a processor when it was first seen not to turn.
    ran: Option<Duration>,
}

impl Turning {
    pub(super) fn watch(handle: &WorkerHandle, now: Instant) -> Self {
        // Before the ring, or its turn may be missed.
        let turns = handle.pulse.turns();
        handle.bell.ring();
        Turning { turns, since: now, ran: None }
    }

    /// When to look next; none if the loop has not turned for so long that the worker is to be given up. So
    /// long is the `interruptGrace`, but no less than `TURN_MISSED`: what runs may be one of the others,
    /// which computes for a while. One that runs in the guard is known, and not what is meant here.
    pub(super) fn look(&mut self, handle: &WorkerHandle, now: Instant) -> Option<Instant> {
        let innermost = handle.guard.innermost();
        let runs_another = innermost.is_some_and(|task| !task.state().is_settled());
        if handle.pulse.turns() != self.turns || runs_another {
            *self = Turning::watch(handle, now);
            return Some(now + TURN_LOOK);
        }
        // Again, because a ring is lost to a turn that has not ended.
        handle.bell.ring();
        let limit = handle.entry.grace().max(TURN_MISSED);
        let silence = Silence::of(handle, &mut self.ran, now - self.since);
        (!silence.is_longer_than(limit)).then_some(now + GRACE_STEP)
    }
}
