//! How long a thread that finds nothing to do looks for more before it sleeps.
//!
//! To wake a thread takes longer than a small task, on both sides. So a worker always looks for a moment. A
//! worker that is alone looks longer as long as its next task has come soon every time: somebody waits for
//! each result before submitting the next task. Several that looked for long would take from the submitter,
//! and from each other, the cores that they need.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// What every worker does.
const SHORT: Duration = Duration::from_micros(30);
/// The longest; also what counts as soon.
const LONG: Duration = Duration::from_micros(150);
/// After so many tasks in a row that came soon.
const ENOUGH: u32 = 3;

/// Counts how often in a row what a thread waited for has come soon. That the last waits were short is the
/// best guess that the next one will be, and that it is worth while not to sleep in it. Belongs to one
/// thread.
pub struct WaitStreak {
    soon: Duration,
    enough: u32,
    waits_since: Cell<Option<Instant>>,
    in_a_row: Cell<u32>,
}

impl WaitStreak {
    /// A wait is short if it is over within `soon`; a streak is one after `enough` short waits in a row.
    #[must_use]
    pub const fn new(soon: Duration, enough: u32) -> Self {
        WaitStreak { soon, enough, waits_since: Cell::new(None), in_a_row: Cell::new(0) }
    }

    /// The thread begins to wait; `now` is this moment. A wait that has begun before is forgotten.
    pub fn begin(&self, now: Instant) {
        self.waits_since.set(Some(now));
    }

    /// What the thread waited for has come. Says nothing where it has not waited.
    pub fn end(&self) {
        if let Some(since) = self.waits_since.take() {
            let was_short = since.elapsed() <= self.soon;
            self.in_a_row.set(if was_short { self.in_a_row.get().saturating_add(1) } else { 0 });
        }
    }

    /// The thread has looked for what it waits for, in vain: there is no streak any more.
    pub fn reset(&self) {
        self.in_a_row.set(0);
    }

    /// Whether so many of the last waits were short that the next one is worth staying awake for.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.in_a_row.get() >= self.enough
    }
}

/// How long a worker lingers, from what it knows of its own pauses.
pub struct Linger(WaitStreak);

impl Default for Linger {
    fn default() -> Self {
        Linger(WaitStreak::new(LONG, ENOUGH))
    }
}

impl Linger {
    /// The worker has run dry, `alone` or not: until when it looks, with `now` for this moment.
    pub fn begin(&self, now: Instant, alone: bool) -> Instant {
        self.0.begin(now);
        now + if alone && self.0.is_on() { LONG } else { SHORT }
    }

    /// The worker has its next task, whether it lingered or rested meanwhile.
    pub fn end(&self) {
        self.0.end();
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
        for _ in 0..ENOUGH {
            assert_eq!(limit(&linger), SHORT);
            linger.0.begin(Instant::now());
            linger.end();
        }
        assert_eq!(limit(&linger), LONG);
        let now = Instant::now();
        assert_eq!(linger.begin(now, false) - now, SHORT);
        linger.0.waits_since.set(long_ago);
        linger.end();
        assert_eq!(limit(&linger), SHORT);
        // A task that comes without a pause says nothing.
        linger.0.waits_since.set(None);
        linger.end();
        assert_eq!(linger.0.in_a_row.get(), 0);
    }

    #[test]
    fn a_wait_in_vain_ends_the_streak() {
        let streak = WaitStreak::new(Duration::from_secs(3600), 1);
        streak.begin(Instant::now());
        streak.end();
        assert!(streak.is_on());
        streak.reset();
        assert!(!streak.is_on());
    }
}
