//! The thread that watches the clock for every pool of the process.
//!
//! It is started by the first limit and holds a heap of alarms. It holds each alarm weakly and looks whether
//! it is over before it calls it, so an alarm is not taken out of the heap when its task settles; once the
//! settled outnumber the others the heap is swept. It uses std's primitives, not the model's: it depends on
//! time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::sync::background_thread::BackgroundThread;

/// A limit of the time of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TimeLimit {
    /// Of the wait before it is begun.
    Queue,
    /// Of its run.
    Run,
    /// Of both together.
    Total,
}

/// What can have a limit of time.
pub(crate) trait Alarm: Send + Sync {
    /// The time is over. Called on the deadline thread, with no lock held; must be short.
    fn expire(self: Arc<Self>, limit: TimeLimit);
    /// Whether the limit does not matter any more.
    fn is_over(&self) -> bool;
}

struct Entry {
    at: Instant,
    number: u64,
    limit: TimeLimit,
    alarm: Weak<dyn Alarm>,
}

impl Entry {
    fn expire(self) {
        if let Some(alarm) = self.alarm.upgrade()
            && !alarm.is_over()
        {
            alarm.expire(self.limit);
        }
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

struct Clock {
    heap: BinaryHeap<Reverse<Entry>>,
    next_number: u64,
    /// The heap is swept when it is longer than this.
    sweep_above: usize,
    /// Since when the clock stands still, and for how long it stood before.
    paused: Option<Instant>,
    stood: Duration,
}

static CLOCK: Mutex<Clock> = Mutex::new(Clock::new());

fn lock() -> MutexGuard<'static, Clock> {
    // Nothing under this mutex can panic half way.
    CLOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Stops the clocks of all tasks of the process, as a debugger does that holds them.
pub struct Pause;

impl Pause {
    /// Stops the clocks, or lets them go on from where they stood.
    pub fn set(paused: bool) {
        let mut clock = lock();
        match (paused, clock.paused) {
            (true, None) => clock.paused = Some(Instant::now()),
            (false, Some(since)) => {
                clock.stood += since.elapsed();
                clock.paused = None;
            }
            _ => return,
        }
        drop(clock);
        if CLOCK_THREAD.is_started() {
            let _ = CLOCK_THREAD.notify();
        }
    }
}

/// Has `alarm` called at `at`, unless it is over by then. False if it will not be: the system refuses the
/// thread.
pub(crate) fn add(at: Instant, limit: TimeLimit, alarm: &Arc<dyn Alarm>) -> bool {
    let mut clock = lock();
    let (first, seen) = clock.add(at, limit, Arc::downgrade(alarm));
    drop(clock);
    drop(seen);
    // Otherwise the thread wakes for an earlier alarm anyway.
    let told = if first { CLOCK_THREAD.notify() } else { CLOCK_THREAD.start() };
    told.is_ok()
}

/// The thread. A submission with a limit starts it before the task is accepted: then the system's refusal can
/// be told.
pub(crate) static CLOCK_THREAD: BackgroundThread = BackgroundThread::new("cf-deadlines", run);

/// How long to sleep for an alarm that no clock can reach.
const FAR: Duration = Duration::from_secs(1 << 20);

/// What the thread does next.
enum Due {
    Now(Entry),
    Later(Instant),
    /// Until something changes.
    Never,
}

/// What a heap may hold before it is swept, besides twice what it held after the last sweep.
const SWEEP_ROOM: usize = 64;

impl Clock {
    const fn new() -> Self {
        let heap = BinaryHeap::new();
        Self { heap, next_number: 0, sweep_above: SWEEP_ROOM, paused: None, stood: Duration::ZERO }
    }

    /// Whether the alarm comes before all others; and references to be dropped once the mutex is released:
    /// they may be the last ones to tasks, whose destructor is the user's.
    fn add(&mut self, at: Instant, limit: TimeLimit, alarm: Weak<dyn Alarm>) -> (bool, Vec<Arc<dyn Alarm>>) {
        let number = self.next_number;
        self.next_number += 1;
        // The heap is kept in the time of a clock that never stood.
        let stood = self.stood + self.paused.map_or(Duration::ZERO, |since| since.elapsed());
        let at = at.checked_sub(stood).unwrap_or(at);
        let first = self.heap.peek().is_none_or(|Reverse(entry)| at < entry.at);
        self.heap.push(Reverse(Entry { at, number, limit, alarm }));
        let mut seen = Vec::new();
        if self.heap.len() > self.sweep_above {
            self.heap.retain(|Reverse(entry)| {
                let alarm = entry.alarm.upgrade();
                let waits = alarm.as_ref().is_some_and(|alarm| !alarm.is_over());
                seen.extend(alarm);
                waits
            });
            self.sweep_above = 2 * self.heap.len() + SWEEP_ROOM;
        }
        (first, seen)
    }

    fn due(&mut self, now: Instant) -> Due {
        let Some(Reverse(first)) = self.heap.peek().filter(|_| self.paused.is_none()) else {
            return Due::Never;
        };
        let at = first.at.checked_add(self.stood).unwrap_or(now + FAR);
        if at > now {
            return Due::Later(at);
        }
        let entry = self.heap.pop();
        // Otherwise what is over could fill the room that a crowd of alarms has once had.
        self.sweep_above = self.sweep_above.min(2 * self.heap.len() + SWEEP_ROOM);
        entry.map_or(Due::Never, |Reverse(entry)| Due::Now(entry))
    }
}

fn run() {
    loop {
        let due = lock().due(Instant::now());
        match due {
            // AssertUnwindSafe: nothing of the entry is used again. A destructor of a user that panics must
            // not end this thread, which watches the clock for all pools; the panic hook has reported it.
            Due::Now(entry) => drop(catch_unwind(AssertUnwindSafe(|| entry.expire()))),
            Due::Later(at) => drop(CLOCK_THREAD.park(Some(at))),
            Due::Never => drop(CLOCK_THREAD.park(None)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};

    struct Flag(AtomicBool);

    impl Alarm for Flag {
        fn expire(self: Arc<Self>, _: TimeLimit) {}
        fn is_over(&self) -> bool {
            // ORDERING: one thread.
            self.0.load(Ordering::Relaxed)
        }
    }

    fn add(clock: &mut Clock, at: Instant, limit: TimeLimit, flag: &Arc<Flag>) {
        let alarm: Arc<dyn Alarm> = flag.clone();
        clock.add(at, limit, Arc::downgrade(&alarm));
    }

    #[test]
    fn alarms_that_are_over_do_not_pile_up_however_many_each_task_has() {
        for limits in [&[TimeLimit::Queue][..], &[TimeLimit::Queue, TimeLimit::Run, TimeLimit::Total]] {
            let mut clock = Clock::new();
            let far = Instant::now() + Duration::from_secs(3600);
            let living: Vec<_> = (0..100).map(|_| Arc::new(Flag(AtomicBool::new(false)))).collect();
            living.iter().for_each(|flag| add(&mut clock, far, TimeLimit::Run, flag));
            for _ in 0..10_000 {
                let flag = Arc::new(Flag(AtomicBool::new(false)));
                limits.iter().for_each(|&limit| add(&mut clock, far, limit, &flag));
                flag.0.store(true, Ordering::Relaxed);
            }
            let most = 2 * (living.len() + limits.len()) + SWEEP_ROOM + 1;
            assert!(clock.heap.len() <= most, "{} alarms", clock.heap.len());
            let waiting = clock.heap.iter().filter(|Reverse(entry)| entry.alarm.upgrade().is_some());
            assert!(waiting.count() >= living.len());
        }
    }

    #[test]
    fn a_crowd_that_has_expired_leaves_no_room_for_what_is_over() {
        let mut clock = Clock::new();
        let now = Instant::now();
        let flag = Arc::new(Flag(AtomicBool::new(false)));
        (0..10_000).for_each(|_| add(&mut clock, now, TimeLimit::Run, &flag));
        while matches!(clock.due(now + Duration::from_secs(1)), Due::Now(_)) {}
        assert!(clock.heap.is_empty());
        assert_eq!(clock.sweep_above, SWEEP_ROOM);
    }
}
