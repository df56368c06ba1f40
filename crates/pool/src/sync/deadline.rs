//! The thread that watches the clock for every pool of the process.
//!
//! It is started by the first limit and holds a heap of alarms. It holds each task weakly and looks
//! whether it has settled before it rings, so nobody takes an alarm out of the heap; once the settled
//! outnumber the others the heap is swept. It uses std's primitives, not the model's: it knows time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::sync::background_thread::BackgroundThread;

/// Which limit ran out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Limit {
    Queue,
    Run,
}

/// What can have a limit.
pub(crate) trait Alarm: Send + Sync {
    fn expire(self: Arc<Self>, limit: Limit);
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

#[derive(Default)]
struct Clock {
    heap: BinaryHeap<Reverse<Entry>>,
    next_number: u64,
    /// Since when the clock stands still, and for how long it stood before.
    paused: Option<Instant>,
    stood: Duration,
}

#[derive(Default)]
struct Watch {
    clock: Mutex<Clock>,
    changed: Condvar,
}

static WATCH: OnceLock<Watch> = OnceLock::new();

/// Settled tasks whose alarm may still be in the heap; an estimate.
// ORDERING: a hint for when to sweep.
static SETTLED: AtomicUsize = AtomicUsize::new(0);

fn watch() -> &'static Watch {
    WATCH.get_or_init(Watch::default)
}

impl Watch {
    fn lock(&self) -> MutexGuard<'_, Clock> {
        // Nothing under this mutex can panic half way.
        self.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Stops the clocks of all tasks of the process, as a debugger does that holds them.
pub struct Pause;

impl Pause {
    /// Stops the clocks, or lets them go on from where they stood.
    pub fn set(paused: bool) {
        let mut clock = watch().lock();
        match (paused, clock.paused) {
            (true, None) => clock.paused = Some(Instant::now()),
            (false, Some(since)) => {
                clock.stood += since.elapsed();
                clock.paused = None;
            }
            _ => return,
        }
        drop(clock);
        watch().changed.notify_one();
    }
}

/// Rings `alarm` at `at`, unless it is over by then. False if nobody would: the system refuses the thread.
pub(crate) fn add(at: Instant, limit: Limit, alarm: &Arc<dyn Alarm>) -> bool {
    let watch = watch();
    // Perhaps the last to hold a task: dropped after the mutex, because its destructor is the user's.
    let mut seen = Vec::new();
    let mut clock = watch.lock();
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
    if first {
        watch.changed.notify_one();
    }
    CLOCK_THREAD.start().is_ok()
}

/// The thread.
pub(crate) static CLOCK_THREAD: BackgroundThread = BackgroundThread::new("cf-deadlines", tick);

pub(crate) fn note_settled() {
    SETTLED.fetch_add(1, Ordering::Relaxed);
}

/// How long to sleep for an alarm beyond the end of time.
const FAR: Duration = Duration::from_secs(1 << 20);

fn tick() {
    let watch = watch();
    let mut clock = watch.lock();
    loop {
        let now = Instant::now();
        let due = clock.heap.peek().map(|Reverse(entry)| match entry.at.checked_add(clock.stood) {
            Some(at) => at.saturating_duration_since(now),
            None => FAR,
        });
        clock = match (due, clock.paused) {
            (Some(wait), None) if wait.is_zero() => {
                let entry = clock.heap.pop();
                drop(clock);
                // AssertUnwindSafe: nothing of it is used again. One user's destructor must not stop the
                // clocks of all; the panic hook tells of it.
                let _ = catch_unwind(AssertUnwindSafe(|| entry.map(|Reverse(entry)| entry.expire())));
                watch.lock()
            }
            (Some(wait), None) => {
                let waited = watch.changed.wait_timeout(clock, wait);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
            _ => watch.changed.wait(clock).unwrap_or_else(PoisonError::into_inner),
        };
    }
}
