//! The thread that sees every stop through: it asks again, forces, and in the end gives the worker up.
//!
//! A stop begins when its task has been settled, or is about to be failed because its time is over, and
//! goes on until the worker does not hold the task any more. The stopper's thread takes each stop that is
//! due out of the list, makes one step with it, and puts it back unless it is over. docs/interrupt.md has
//! the protocol.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use pool::BackgroundThread;

use crate::supervision::guard::Guard;
use crate::supervision::replace::replace;
use crate::supervision::silence::Silence;
use crate::supervision::stop_request::StopState;
use crate::supervision::times::{
    ASK_AGAIN, GIVE_UP, GRACE_STEP, INSIST_AFTER, INSIST_AFTER_TIMES, LET_GO, LET_GO_AFTER_HIT,
    LET_GO_OF_RETIRING, PUT_OFF_LEAST, PUT_OFF_LEAST_TIMES, PUT_OFF_MOST, STACK_ASLEEP, STACK_CONTINUATION,
    STEP,
};
use crate::supervision::turning::Turning;
use crate::supervision::worker_handle::WorkerHandle;
use crate::tasks::task::JsTask;

#[derive(Debug)]
enum Phase {
    /// The task has looked at its `currentTask()`: it has until then to return by itself.
    Grace { until: Instant },
    /// An interrupt was requested, for the first time when the phase `began`.
    Asked { since: Instant, began: Instant },
    /// The task's JavaScript was terminated, and the worker has not left it yet.
    Hit { since: Instant },
    /// The task is not the one that runs in the guard; its worker has so long to let go of it.
    Outside { since: Instant, limit: Duration },
    /// The task's worker has to be replaced for it. It has retired, and lets the other tasks that it holds
    /// end first.
    Retiring { since: Instant, turning: Turning },
    /// The worker has let go of the task and has to show that it is healthy. What the task has left behind
    /// may keep it from that.
    Recovering { since: Instant },
    /// The same while the worker holds other tasks.
    RecoveringBeside(Turning),
}

struct Stop {
    handle: Arc<WorkerHandle>,
    task: Arc<JsTask>,
    /// Whether the task's time is over, and it has to be failed for that.
    expired: bool,
    phase: Phase,
    /// When its next step is due.
    next: Instant,
    /// The time that the worker's thread had had on a processor when it was first seen not to answer.
    ran: Option<Duration>,
}

/// The stops that are not being stepped at the moment.
static STOPS: Mutex<Vec<Stop>> = Mutex::new(Vec::new());

/// Stops that are not over, in the list or being stepped.
// ORDERING: see `is_busy`.
static UNDER_WAY: AtomicUsize = AtomicUsize::new(0);

/// Notified when a stop is added, or is due earlier than before.
pub(crate) static THREAD: BackgroundThread = BackgroundThread::new("cf-stopper", run);

/// Sees to it that `task`, which has been cancelled or whose time is over (`expired`: then it is failed
/// here), leaves its worker. Returns at once.
pub(crate) fn stop(handle: &WorkerHandle, task: &Arc<JsTask>, expired: bool) {
    let Some(handle) = handle.upgrade() else { return };
    let now = Instant::now();
    let phase = if task.owner().has_looked() {
        if expired {
            task.time_out(handle.guard.look(Some(task), now + STACK_ASLEEP));
        }
        let until = now.checked_add(handle.entry.grace());
        Phase::Grace { until: until.unwrap_or(now + Duration::from_secs(u32::MAX.into())) }
    } else {
        begin(&handle, task, expired)
    };
    // It may be parked, waiting for another task.
    handle.bell.ring();
    UNDER_WAY.fetch_add(1, Ordering::Relaxed);
    STOPS.lock().push(Stop { handle, task: task.clone(), expired, phase, next: now, ran: None });
    // If the system refuses the thread the next stop tries again; tasks with a limit of time were not
    // accepted without it.
    let _ = THREAD.notify();
}

/// Node's own code, or this package's, has put a stop off: it is asked for again at once. Called on the
/// thread that the stop is meant for, so that on a busy processor too the next question comes right after
/// this answer.
pub(crate) fn note_put_off(guard: &Arc<Guard>) {
    let now = Instant::now();
    let mut stops = STOPS.lock();
    for stop in stops.iter_mut().filter(|stop| Arc::ptr_eq(&stop.handle.guard, guard)) {
        stop.next = now;
    }
    drop(stops);
    let _ = THREAD.notify();
}

/// Whether some stop is under way.
pub(crate) fn is_busy() -> bool {
    // ORDERING: a stop that this misses has only just begun.
    UNDER_WAY.load(Ordering::Relaxed) > 0
}

fn run() {
    loop {
        let now = Instant::now();
        let mut stops = STOPS.lock();
        let mut due: Vec<Stop> = stops.extract_if(.., |stop| stop.next <= now).collect();
        let next = stops.iter().map(|stop| stop.next).min();
        drop(stops);
        if due.is_empty() {
            // A sleep on Windows takes a tick of the system's clock, a thousand times as long as this.
            let is_at_once = next.is_some_and(|next| next.saturating_duration_since(now) <= ASK_AGAIN);
            if cfg!(windows) && is_at_once {
                std::thread::yield_now();
            } else {
                THREAD.park(next);
            }
            continue;
        }
        let before = due.len();
        due.retain_mut(step);
        UNDER_WAY.fetch_sub(before - due.len(), Ordering::Relaxed);
        STOPS.lock().append(&mut due);
    }
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
        let look = || handle.guard.look(Some(task), now + STACK_CONTINUATION);
        task.time_out(may_tell.then(look).flatten());
    }
    Phase::Outside { since: Instant::now(), limit: LET_GO }
}

/// One step of a stop. False when it is over.
fn step(stop: &mut Stop) -> bool {
    let now = Instant::now();
    stop.next = now + STEP;
    if let Phase::Retiring { since, .. } = stop.phase {
        return see_retirement(stop, now, since);
    }
    if !stop.handle.holds(&stop.task) {
        return see_recovery(stop, now);
    }
    match &mut stop.phase {
        Phase::Grace { until } if stop.task.owner().stream.as_ref().is_some_and(|stream| stream.stands()) => {
            // Its time begins once its worker, which may be busy with another task, has it end.
            *until = now.checked_add(stop.handle.entry.grace()).unwrap_or(*until);
            stop.next = now + GRACE_STEP;
        }
        &mut Phase::Grace { until } if now < until => {
            stop.next = until.min(now + GRACE_STEP);
        }
        Phase::Grace { .. } => {
            // From now on it is like all others; see `isolate::blocking_wait`.
            stop.task.owner().has_looked.store(false, Ordering::Relaxed);
            stop.phase = begin(&stop.handle, &stop.task, stop.expired);
            stop.next = now + STACK_ASLEEP;
        }
        &mut Phase::Asked { since, began } => return see_answer(stop, now, since, began),
        &mut Phase::Hit { since } => {
            if matches!(stop.handle.guard.stop_state(&stop.task), StopState::Outside | StopState::Covered) {
                stop.phase = outside(stop, now);
            } else if now - since > GIVE_UP {
                give_up(stop);
                return false;
            }
        }
        &mut Phase::Outside { since, limit } => return see_release(stop, now, since, limit),
        // Not met: what a worker has let go of has settled, and is not claimed again.
        Phase::Recovering { .. } | Phase::RecoveringBeside(_) | Phase::Retiring { .. } => {}
    }
    true
}

fn see_answer(stop: &mut Stop, now: Instant, since: Instant, began: Instant) -> bool {
    let guard = &stop.handle.guard;
    match guard.stop_state(&stop.task) {
        StopState::Outside | StopState::Covered => {
            if stop.expired {
                stop.task.time_out(None);
            }
            stop.phase = outside(stop, now);
        }
        StopState::Hit => stop.phase = Phase::Hit { since: now },
        StopState::PutOff(times) => {
            let asked_for = now - began;
            if asked_for < PUT_OFF_LEAST || (asked_for < PUT_OFF_MOST && times < PUT_OFF_LEAST_TIMES) {
                stop.ran = None;
                let insists = asked_for >= INSIST_AFTER && times >= INSIST_AFTER_TIMES;
                guard.ask(&stop.task, stop.expired, insists);
                stop.phase = Phase::Asked { since: now, began };
                stop.next = now + ASK_AGAIN;
            } else {
                guard.force(&stop.task);
                stop.phase = Phase::Hit { since: now };
            }
        }
        StopState::Asked => {
            let silence = Silence::of(&stop.handle, &mut stop.ran, now - since);
            if stop.expired && !stop.task.state().is_settled() && silence.is_of_native_code() {
                stop.task.time_out(None);
            }
            if silence.is_for_good() {
                give_up(stop);
                return false;
            }
        }
    }
    true
}

/// The task is not the one that runs in the guard: whether it is still to be waited for.
fn see_release(stop: &mut Stop, now: Instant, since: Instant, limit: Duration) -> bool {
    let guard = &stop.handle.guard;
    match guard.stop_state(&stop.task) {
        // Where nothing can be interrupted a running task is out of reach as well.
        state if state == StopState::Outside || !guard.can_interrupt() => {
            // It may have been hit since, without having been asked from here; see `isolate::blocking_wait`.
            let limit = if guard.has_hit(&stop.task) { limit.max(LET_GO_AFTER_HIT) } else { limit };
            if now - since > limit {
                return retire(stop, now);
            }
        }
        // Settled already; it is unwound when those on top of it have returned.
        StopState::Covered => stop.phase = outside(stop, now),
        _ => stop.phase = begin(&stop.handle, &stop.task, stop.expired),
    }
    true
}

/// The worker does not hold the task any more. True as long as it has to recover from the stop.
fn see_recovery(stop: &mut Stop, now: Instant) -> bool {
    let handle = &stop.handle;
    if !handle.is_recovering.load(Ordering::Relaxed) || handle.is_over() {
        return false;
    }
    if handle.holds_any() {
        // Its event loop does not turn under a task that goes on, and may turn late while others that it
        // holds do.
        if !matches!(stop.phase, Phase::RecoveringBeside(_)) {
            stop.phase = Phase::RecoveringBeside(Turning::watch(handle, now));
        }
        return see_turn(stop, now);
    }
    let since = match stop.phase {
        Phase::Recovering { since } => since,
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

/// The worker does not let go of the task: it has to be replaced, once the other tasks that it holds have
/// ended. True if there are any.
fn retire(stop: &mut Stop, now: Instant) -> bool {
    if stop.expired {
        stop.task.time_out(None);
    }
    if !stop.handle.retire() {
        give_up(stop);
        return false;
    }
    stop.phase = Phase::Retiring { since: now, turning: Turning::watch(&stop.handle, now) };
    true
}

/// The others go on as long as the worker turns. True until they have ended.
fn see_retirement(stop: &mut Stop, now: Instant, since: Instant) -> bool {
    if stop.handle.is_over() {
        return false;
    }
    if !stop.handle.holds_unsettled() {
        // It would leave by itself, but for a task that keeps its thread.
        give_up(stop);
        return false;
    }
    if now - since > LET_GO_OF_RETIRING {
        // The others may be streams that stand still, for as long as their readers like.
        stop.handle.let_go_of(&stop.task);
    }
    see_turn(stop, now)
}

fn see_turn(stop: &mut Stop, now: Instant) -> bool {
    let (Phase::Retiring { turning, .. } | Phase::RecoveringBeside(turning)) = &mut stop.phase else {
        return true;
    };
    let Some(next) = turning.look(&stop.handle, now) else {
        give_up(stop);
        return false;
    };
    stop.next = next;
    true
}

/// Its worker is replaced. The task fails for the reason for which it was stopped, not because it is lost
/// with the worker.
fn give_up(stop: &Stop) {
    if stop.expired {
        stop.task.time_out(None);
    }
    replace(&stop.handle);
}
