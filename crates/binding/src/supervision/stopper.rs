//! The thread that sees every stop through: it asks again, forces, and in the end gives the worker up.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use pool::BackgroundThread;

use crate::supervision::guard::{self, Guard, StopState};
use crate::supervision::silence::{COME_BACK, Silence, UNANSWERED};
use crate::supervision::worker_handle::WorkerHandle;
use crate::tasks::task::JsTask;

/// After being put off by Node's own code, if the answer was missed.
const AGAIN: Duration = Duration::from_micros(15);
/// After so long, and so often, a stop insists: it may land in those parts of Node's own code that keep nothing of
/// their own. V8 leaves the stack checks out of an optimized loop that calls other functions, and then the only checks
/// of a loop over Node's functions are in these.
const INSIST: Duration = Duration::from_millis(50);
const INSIST_TIMES: u32 = 500;
/// For how long, at least, and how often Node's own code may put a stop off, and for how long at most. Then the
/// task is stopped there, and the worker replaced. Where the processor is shared an attempt may take milliseconds.
const PUT_OFF: Duration = Duration::from_secs(1);
const PUT_OFF_TIMES: u32 = 5_000;
const PUT_OFF_MOST: Duration = Duration::from_secs(2);
/// How long a thread that runs a continuation may take to tell where it is, while other stops wait.
const CONTINUES: Duration = Duration::from_millis(5);
/// How long a task that has settled may stay in its worker's hands outside the guard: it waits for its
/// promise, or loops in microtasks.
const LET_GO: Duration = Duration::from_millis(5);
/// The same for one that was hit: the ticks that it has left run first, which may be a million. And how long a worker may
/// take to show that it is healthy, unless it did not get a processor.
const LET_GO_AFTER_HIT: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// The task has looked at its `currentTask()`: it has until then to heed.
    Grace {
        until: Instant,
    },
    Asked {
        since: Instant,
        began: Instant,
    },
    Hit {
        since: Instant,
    },
    Outside {
        since: Instant,
        limit: Duration,
    },
    /// The task has gone; its worker has to show that it is healthy. What the task has left behind may keep it from that.
    Recovering {
        since: Instant,
    },
}

struct Stop {
    handle: Arc<WorkerHandle>,
    task: Arc<JsTask>,
    expired: bool,
    phase: Phase,
    next: Instant,
    /// The time that the worker's thread had had on a processor when it was first seen not to answer.
    ran: Option<Duration>,
}

#[derive(Default)]
struct Stopper {
    stops: Mutex<Vec<Stop>>,
    changed: Condvar,
    /// Stops that are not over, in the list or being stepped. Changed under the mutex.
    under_way: AtomicUsize,
}

fn stopper() -> &'static Stopper {
    static STOPPER: OnceLock<Stopper> = OnceLock::new();
    STOPPER.get_or_init(Stopper::default)
}

impl Stopper {
    fn lock(&self) -> MutexGuard<'_, Vec<Stop>> {
        self.stops.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sees to it that `task`, which has been cancelled or whose time is over (`expired`: then it is failed here),
/// leaves its worker. Returns at once.
pub(crate) fn stop(handle: &WorkerHandle, task: &Arc<JsTask>, expired: bool) {
    let Some(handle) = handle.upgrade() else { return };
    let now = Instant::now();
    let phase = if task.owner().has_looked() {
        if expired {
            guard::time_out(task, handle.guard.look(Some(task), now + UNANSWERED));
        }
        let grace = Duration::try_from_secs_f64(handle.entry.grace_ms / 1e3).unwrap_or(Duration::MAX);
        Phase::Grace { until: now.checked_add(grace).unwrap_or(now + Duration::from_secs(u32::MAX.into())) }
    } else {
        begin(&handle, task, expired)
    };
    // It may be parked, waiting for another task.
    handle.bell.ring();
    let stopper = stopper();
    let mut stops = stopper.lock();
    stopper.under_way.fetch_add(1, Ordering::Relaxed);
    stops.push(Stop { handle, task: task.clone(), expired, phase, next: now, ran: None });
    drop(stops);
    // Refused, the next stop tries again; tasks with a limit of time were not accepted without it.
    let _ = WATCHER.start();
    stopper.changed.notify_one();
}

/// The thread.
pub(crate) static WATCHER: BackgroundThread = BackgroundThread::new("cf-stopper", watch);

/// Node's own code has put a stop off: it is asked for again at once. On the thread that the stop is meant for,
/// so that on a busy processor too the next question comes right after this answer.
pub(crate) fn note_put_off(guard: &Arc<Guard>) {
    let stopper = stopper();
    let mut stops = stopper.lock();
    let now = Instant::now();
    for stop in stops.iter_mut().filter(|stop| Arc::ptr_eq(&stop.handle.guard, guard)) {
        stop.next = now;
    }
    drop(stops);
    stopper.changed.notify_one();
}

/// Whether some stop is under way.
pub(crate) fn is_busy() -> bool {
    // ORDERING: a stop that this misses has only just begun.
    stopper().under_way.load(Ordering::Relaxed) > 0
}

/// The first step of a stop by force.
fn begin(handle: &WorkerHandle, task: &Arc<JsTask>, expired: bool) -> Phase {
    let now = Instant::now();
    if handle.guard.ask(task, expired, false) {
        return Phase::Asked { since: now, began: now };
    }
    if expired && !task.state().is_settled() {
        // If the thread runs something, and holds nothing else, that is the task's continuation.
        let may_tell = !handle.is_asleep() && handle.holds_only(task);
        guard::time_out(task, may_tell.then(|| handle.guard.look(Some(task), now + CONTINUES)).flatten());
    }
    Phase::Outside { since: Instant::now(), limit: LET_GO }
}

fn watch() {
    let stopper = stopper();
    let mut stops = stopper.lock();
    loop {
        let now = Instant::now();
        let mut due: Vec<Stop> = stops.extract_if(.., |stop| stop.next <= now).collect();
        if due.is_empty() {
            stops = sleep(stopper, stops, now);
            continue;
        }
        drop(stops);
        let before = due.len();
        due.retain_mut(step);
        stopper.under_way.fetch_sub(before - due.len(), Ordering::Relaxed);
        stops = stopper.lock();
        stops.append(&mut due);
    }
}

fn sleep<'a>(
    stopper: &'a Stopper,
    stops: MutexGuard<'a, Vec<Stop>>,
    now: Instant,
) -> MutexGuard<'a, Vec<Stop>> {
    let next = stops.iter().map(|stop| stop.next.saturating_duration_since(now)).min();
    match next {
        None => stopper.changed.wait(stops).unwrap_or_else(PoisonError::into_inner),
        Some(wait) => stopper.changed.wait_timeout(stops, wait).unwrap_or_else(PoisonError::into_inner).0,
    }
}

/// One step of a stop. False when it is over.
fn step(stop: &mut Stop) -> bool {
    const POLL: Duration = Duration::from_millis(1);
    let now = Instant::now();
    stop.next = now + POLL;
    if !stop.handle.holds(&stop.task) {
        return see_recovery(stop, now);
    }
    match stop.phase {
        Phase::Grace { until } if now < until => {
            stop.next = until.min(now + Duration::from_millis(5));
        }
        Phase::Grace { .. } => {
            // From now on it is like all others; see `nest`.
            stop.task.owner().has_looked.store(false, Ordering::Relaxed);
            stop.phase = begin(&stop.handle, &stop.task, stop.expired);
            stop.next = now + UNANSWERED;
        }
        Phase::Asked { since, began } => return see_answer(stop, now, since, began),
        Phase::Hit { since } => {
            if matches!(stop.handle.guard.stop_state(&stop.task), StopState::Outside | StopState::Covered) {
                stop.phase = outside(stop, now);
            } else if now - since > COME_BACK {
                give_up(stop);
                return false;
            }
        }
        Phase::Outside { since, limit } => match stop.handle.guard.stop_state(&stop.task) {
            // Where nothing can be interrupted a running task is out of reach as well.
            standing if standing == StopState::Outside || !stop.handle.guard.can_interrupt() => {
                // It may have been hit since, without having been asked from here: see `nest`.
                let hit = stop.handle.guard.has_hit(&stop.task);
                if now - since > if hit { limit.max(LET_GO_AFTER_HIT) } else { limit } {
                    give_up(stop);
                    return false;
                }
            }
            // Settled already; it is unwound when those on top of it have returned.
            StopState::Covered => stop.phase = outside(stop, now),
            _ => stop.phase = begin(&stop.handle, &stop.task, stop.expired),
        },
        // It was in nobody's hands a moment ago.
        Phase::Recovering { .. } => {}
    }
    true
}

/// The worker's hands are free of the task. True as long as it has to recover from the stop.
fn see_recovery(stop: &mut Stop, now: Instant) -> bool {
    let handle = &stop.handle;
    if !handle.is_recovering.load(Ordering::Relaxed) || handle.is_over() {
        return false;
    }
    // Its event loop does not turn under a task that goes on, and may turn late while others that it holds do.
    let since = match stop.phase {
        Phase::Recovering { since } if !handle.holds_any() => since,
        _ => {
            stop.ran = None;
            now
        }
    };
    stop.phase = Phase::Recovering { since };
    let silence = Silence::of(handle, &mut stop.ran, now - since);
    if now - since > LET_GO_AFTER_HIT && silence.is_for_good() {
        replace(handle);
        return false;
    }
    true
}

fn outside(stop: &Stop, now: Instant) -> Phase {
    let limit = if stop.handle.guard.has_hit(&stop.task) { LET_GO_AFTER_HIT } else { LET_GO };
    Phase::Outside { since: now, limit }
}

fn see_answer(stop: &mut Stop, now: Instant, since: Instant, began: Instant) -> bool {
    let guard = &stop.handle.guard;
    match guard.stop_state(&stop.task) {
        StopState::Outside | StopState::Covered => {
            if stop.expired {
                guard::time_out(&stop.task, None);
            }
            stop.phase = outside(stop, now);
        }
        StopState::Hit => stop.phase = Phase::Hit { since: now },
        StopState::PutOff(times) => {
            let asked_for = now - began;
            if asked_for < PUT_OFF || (asked_for < PUT_OFF_MOST && times < PUT_OFF_TIMES) {
                stop.ran = None;
                let insists = asked_for >= INSIST && times >= INSIST_TIMES;
                guard.ask(&stop.task, stop.expired, insists);
                stop.phase = Phase::Asked { since: now, began };
                stop.next = now + AGAIN;
            } else {
                guard.force(&stop.task);
                stop.phase = Phase::Hit { since: now };
            }
        }
        StopState::Asked => {
            let silence = Silence::of(&stop.handle, &mut stop.ran, now - since);
            if stop.expired && !stop.task.state().is_settled() && silence.is_of_native_code() {
                guard::time_out(&stop.task, None);
            }
            if silence.is_for_good() {
                give_up(stop);
                return false;
            }
        }
    }
    true
}

/// Its worker is replaced. The task fails for the reason for which it was stopped, not because it is lost with the worker.
fn give_up(stop: &Stop) {
    if stop.expired {
        guard::time_out(&stop.task, None);
    }
    replace(&stop.handle);
}

/// Gives a worker up: its place goes to another, what it holds is lost, and its thread is told to end: to do so by itself,
/// and by Node. Only Node can end JavaScript outside the guard, because it notes first that the thread is stopping: without
/// that the async ids that are left on their stack end the whole process.
pub(crate) fn replace(handle: &Arc<WorkerHandle>) {
    if handle.must_end.swap(true, Ordering::AcqRel) {
        return;
    }
    if let Some(id) = *handle.id.lock() {
        handle.entry.pool.abandon(id);
    }
    handle.bell.ring();
    handle.tell_owner_to_end();
    let handle = handle.clone();
    // Its own `process.exit()` is the cleanest end, and needs a moment. Its owner's `terminate()` comes when the owner
    // serves its events, which may take long.
    let killer = std::thread::Builder::new().name("cf-killer".into());
    let _ = killer.spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        handle.guard.kill();
    });
}
