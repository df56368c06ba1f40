//! The thread that watches the clock for every pool of the process.
//!
//! It is started by the first limit and holds a heap of alarms. It holds each alarm weakly and looks whether
//! it is over before it calls it, so an alarm is not taken out of the heap when its task settles; once the
//! settled outnumber the others the heap is swept. It uses std's primitives, not the model's: it depends on
//! time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::sync::background_thread::BackgroundThread;

/// Which limit ran out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Limit {
    Queue,
    Run,
}

/// What can have a limit of time.
pub(crate) trait Alarm: Send + Sync {
    /// The time is over. Called on the deadline thread, with no lock held; must be short.
    fn expire(self: Arc<Self>, limit: Limit);
    /// Whether the limit does not matter any more.
    fn is_over(&self) -> bool;
}

struct Entry {
    at: Instant,
    number: u64,
    limit: Limit,
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
    /// Since when the clock stands still, and for how long it stood before.
    paused: Option<Instant>,
    stood: Duration,
}

static CLOCK: Mutex<Clock> =
    Mutex::new(Clock { heap: BinaryHeap::new(), next_number: 0, paused: None, stood: Duration::ZERO });

/// Settled tasks whose alarm may still be in the heap; an estimate.
// ORDERING: a hint for when to sweep.
static SETTLED: AtomicUsize = AtomicUsize::new(0);

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
pub(crate) fn add(at: Instant, limit: Limit, alarm: &Arc<dyn Alarm>) -> bool {
    // These may be the last references to tasks: dropped after the mutex is released, because a task's
    // destructor is the user's.
    let mut seen = Vec::new();
    let mut clock = lock();
    let number = clock.next_number;
    clock.next_number += 1;
    // The heap is kept in the time of a clock that never stood.
    let stood = clock.stood + clock.paused.map_or(Duration::ZERO, |since| since.elapsed());
    let at = at.checked_sub(stood).unwrap_or(at);
    let first = clock.heap.peek().is_none_or(|Reverse(entry)| at < entry.at);
    clock.heap.push(Reverse(Entry { at, number, limit, alarm: Arc::downgrade(alarm) }));
    if SETTLED.load(Ordering::Relaxed) > clock.heap.len() / 2 + 64 {
        SETTLED.store(0, Ordering::Relaxed);
        clock.heap.retain(|Reverse(entry)| {
            let alarm = entry.alarm.upgrade();
            let waits = alarm.as_ref().is_some_and(|alarm| !alarm.is_over());
            seen.extend(alarm);
            waits
        });
    }
    drop(clock);
    // Otherwise the thread wakes for an earlier alarm anyway.
    let told = if first { CLOCK_THREAD.notify() } else { CLOCK_THREAD.start() };
    told.is_ok()
}

/// The thread. A submission with a limit starts it before the task is accepted: then the system's refusal can
/// be told.
pub(crate) static CLOCK_THREAD: BackgroundThread = BackgroundThread::new("cf-deadlines", run);

pub(crate) fn note_settled() {
    SETTLED.fetch_add(1, Ordering::Relaxed);
}

/// How long to sleep for an alarm that no clock can reach.
const FAR: Duration = Duration::from_secs(1 << 20);

/// What the thread does next.
enum Due {
    Now(Entry),
    Later(Instant),
    /// Until something changes.
    Never,
}

impl Clock {
    fn due(&mut self, now: Instant) -> Due {
        let Some(Reverse(first)) = self.heap.peek().filter(|_| self.paused.is_none()) else {
            return Due::Never;
        };
        let at = first.at.checked_add(self.stood).unwrap_or(now + FAR);
        if at > now {
            return Due::Later(at);
        }
        self.heap.pop().map_or(Due::Never, |Reverse(entry)| Due::Now(entry))
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
