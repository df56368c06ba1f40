//! The thread that sees every stop through: it asks again, forces, and in the end gives the worker up.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crate::guard::{self, Guard, Standing};
use crate::mailbox::{Note, PoolEvent};
use crate::work::JsTask;
use crate::worker::IsolateLink;

/// How long an interrupt may go unanswered before the task is terminated where it is: it blocks, or runs
/// native code. The safe-point check runs within microseconds in any other JavaScript.
const UNANSWERED: Duration = Duration::from_micros(1500);
/// The same for a thread that is not asleep: it may only have been preempted, and will answer when it runs; or it
/// computes in native code, where a termination does not reach it any sooner.
const UNANSWERED_AWAKE: Duration = Duration::from_millis(100);
/// After being put off by Node's own code.
const AGAIN: Duration = Duration::from_micros(15);
/// For how long Node's own code may put a stop off. Then the task is stopped there, and the worker replaced.
const PUT_OFF: Duration = Duration::from_millis(250);
/// How long a terminated worker may take to come back: a native call cannot be cut short.
const COME_BACK: Duration = Duration::from_millis(500);
/// How long a task that has settled may stay in its worker's hands outside the guard: it waits for its
/// promise, or loops in microtasks.
const LET_GO: Duration = Duration::from_millis(5);

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
    Elsewhere {
        since: Instant,
    },
}

struct Stop {
    link: Arc<IsolateLink>,
    task: Arc<JsTask>,
    expired: bool,
    phase: Phase,
    next: Instant,
}

#[derive(Default)]
struct Stops {
    list: Vec<Stop>,
    thread_runs: bool,
}

#[derive(Default)]
struct Stopper {
    stops: Mutex<Stops>,
    changed: Condvar,
    /// Stops that are not over, in the list or being stepped. Changed under the mutex.
    under_way: AtomicUsize,
}

fn stopper() -> &'static Stopper {
    static STOPPER: OnceLock<Stopper> = OnceLock::new();
    STOPPER.get_or_init(Stopper::default)
}

impl Stopper {
    fn lock(&self) -> MutexGuard<'_, Stops> {
        self.stops.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sees to it that `task`, which has been cancelled or whose time is over (`expired`: then it is failed here),
/// leaves its worker. Returns at once.
pub(crate) fn stop(link: &IsolateLink, task: &Arc<JsTask>, expired: bool) {
    let Some(link) = link.me() else { return };
    let now = Instant::now();
    let phase = if task.owner().has_looked() {
        if expired {
            guard::time_out(task, link.guard.look(now + UNANSWERED));
        }
        let grace = Duration::try_from_secs_f64(link.entry.grace_ms / 1e3).unwrap_or(Duration::MAX);
        Phase::Grace { until: now.checked_add(grace).unwrap_or(now + Duration::from_secs(u32::MAX.into())) }
    } else {
        begin(&link.guard, task, expired)
    };
    // It may be parked, waiting for another task.
    link.bell.ring();
    let stopper = stopper();
    let mut stops = stopper.lock();
    stopper.under_way.fetch_add(1, Ordering::Relaxed);
    stops.list.push(Stop { link, task: task.clone(), expired, phase, next: now });
    if !stops.thread_runs {
        stops.thread_runs = std::thread::Builder::new().name("cf-stopper".into()).spawn(watch).is_ok();
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
fn begin(guard: &Arc<Guard>, task: &Arc<JsTask>, expired: bool) -> Phase {
    let now = Instant::now();
    if guard.ask(task, expired) {
        return Phase::Asked { since: now, began: now };
    }
    if expired {
        guard::time_out(task, None);
    }
    Phase::Elsewhere { since: now }
}

fn watch() {
    let stopper = stopper();
    let mut stops = stopper.lock();
    loop {
        let now = Instant::now();
        let mut due: Vec<Stop> = stops.list.extract_if(.., |stop| stop.next <= now).collect();
        if due.is_empty() {
            stops = sleep(stopper, stops, now);
            continue;
        }
        drop(stops);
        let before = due.len();
        due.retain_mut(step);
        stopper.under_way.fetch_sub(before - due.len(), Ordering::Relaxed);
        stops = stopper.lock();
        stops.list.append(&mut due);
    }
}

fn sleep<'a>(stopper: &'a Stopper, stops: MutexGuard<'a, Stops>, now: Instant) -> MutexGuard<'a, Stops> {
    const TOO_SHORT_TO_SLEEP: Duration = Duration::from_micros(60);
    let next = stops.list.iter().map(|stop| stop.next.saturating_duration_since(now)).min();
    match next {
        None => stopper.changed.wait(stops).unwrap_or_else(PoisonError::into_inner),
        Some(wait) if wait < TOO_SHORT_TO_SLEEP => {
            drop(stops);
            std::thread::yield_now();
            stopper.lock()
        }
        Some(wait) => stopper.changed.wait_timeout(stops, wait).unwrap_or_else(PoisonError::into_inner).0,
    }
}

/// One step of a stop. False when it is over.
fn step(stop: &mut Stop) -> bool {
    const POLL: Duration = Duration::from_millis(1);
    let now = Instant::now();
    if !stop.link.holds(&stop.task) {
        return false;
    }
    stop.next = now + POLL;
    match stop.phase {
        Phase::Grace { until } if now < until => {
            stop.next = until.min(now + Duration::from_millis(5));
        }
        Phase::Grace { .. } => {
            stop.phase = begin(&stop.link.guard, &stop.task, stop.expired);
            stop.next = now + UNANSWERED;
        }
        Phase::Asked { since, began } => return see_answer(stop, now, since, began),
        Phase::Hit { since } => {
            if matches!(stop.link.guard.standing(&stop.task), Standing::Elsewhere | Standing::Buried) {
                stop.phase = Phase::Elsewhere { since: now };
            } else if now - since > COME_BACK {
                replace(&stop.link);
                return false;
            }
        }
        Phase::Elsewhere { since } => match stop.link.guard.standing(&stop.task) {
            // Where nothing can be interrupted a running task is out of reach as well.
            standing if standing == Standing::Elsewhere || !stop.link.guard.can_interrupt() => {
                if now - since > LET_GO {
                    replace(&stop.link);
                    return false;
                }
            }
            // Settled already; it is unwound when those on top of it have returned.
            Standing::Buried => stop.phase = Phase::Elsewhere { since: now },
            _ => stop.phase = begin(&stop.link.guard, &stop.task, stop.expired),
        },
    }
    true
}

fn see_answer(stop: &mut Stop, now: Instant, since: Instant, began: Instant) -> bool {
    let guard = &stop.link.guard;
    match guard.standing(&stop.task) {
        Standing::Elsewhere | Standing::Buried => {
            if stop.expired {
                guard::time_out(&stop.task, None);
            }
            stop.phase = Phase::Elsewhere { since: now };
        }
        Standing::Hit => stop.phase = Phase::Hit { since: now },
        Standing::PutOff if now - began < PUT_OFF => {
            guard.ask(&stop.task, stop.expired);
            stop.phase = Phase::Asked { since: now, began };
            stop.next = now + AGAIN;
        }
        Standing::Asked if now - since < UNANSWERED => {
            // Soon after the usual answer a stop is over, or must be asked for again.
            stop.next = (now + AGAIN).max(since + AGAIN);
            if now - since > AGAIN * 10 {
                stop.next = since + UNANSWERED;
            }
        }
        Standing::Asked if !stop.link.is_asleep() && now - since < UNANSWERED_AWAKE => {
            // The caller does not wait for what may take long.
            if stop.expired && now - since > UNANSWERED * 8 {
                guard::time_out(&stop.task, None);
            }
        }
        standing => {
            if stop.expired {
                guard::time_out(&stop.task, None);
            }
            guard.force(&stop.task, standing == Standing::PutOff);
            stop.phase = Phase::Hit { since: now };
        }
    }
    true
}

/// Gives a worker up: its place goes to another, what it holds is lost, and its thread is told to end by every
/// way there is.
pub(crate) fn replace(link: &Arc<IsolateLink>) {
    if link.doomed.swap(true, Ordering::AcqRel) {
        return;
    }
    if let Some(id) = *link.id.lock() {
        link.entry.pool.abandon(id);
    }
    link.bell.ring();
    link.entry.owner.post(Note::Pool {
        event: PoolEvent::EndWorker,
        pool: link.entry.id,
        number: link.number,
    });
    let link = link.clone();
    // Its own `process.exit()` is the cleanest end, and needs a moment; an interrupt would prevent it.
    let killer = std::thread::Builder::new().name("cf-killer".into());
    let _ = killer.spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        link.guard.kill();
    });
}
