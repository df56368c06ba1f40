//! Workers that do not come back to their pool though they run no task of it.
//!
//! Three things can keep one. A callback that an ended task has left behind, such as a timer's, may not end: the pool has called the
//! worker for the next task, or the worker went back to its event loop before it asked for one, and the pool hears nothing. And a
//! module that is loaded for a task may not get done with loading; when that task has been cancelled, or its `queueTimeout` is over,
//! nobody waits for it any more. Neither is a running task, so no stop goes there; after a while the worker is replaced. And a
//! worker that has left may not come to its end, because a callback or an `exit` listener of an ended task does not: then nobody
//! waits for it any more.
//!
//! A worker that does run tasks, and was called because it has room for another, keeps that one waiting only for a moment: then
//! another worker is sent.
//!
//! One thread for the process looks, once a second, and only while some worker owes an answer.

use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pool::{Kind, WorkerState};

use crate::supervision::debugger;
use crate::supervision::pulse::Outstanding;
use crate::supervision::stopper;
use crate::supervision::worker_handle::{self, WorkerHandle};

/// Between two looks.
const LOOK: Duration = Duration::from_secs(1);
/// How long a worker without a task may leave a call of its pool unanswered. What an ended task has left behind may run so
/// long while others wait for the worker.
const UNANSWERED: Duration = Duration::from_secs(5);
/// After so long another worker is sent for what this one was called for while it holds tasks.
const LATE: Duration = Duration::from_millis(500);
/// How long a worker may go on to load what nobody waits for.
const UNWANTED: Duration = Duration::from_secs(2);

/// How long a thread may take to end once it has left its pool: coverage and profiles are written meanwhile.
const UNENDED: Duration = Duration::from_secs(5);

/// Whether the thread looks, or is about to.
static LOOKS: AtomicBool = AtomicBool::new(false);
/// Whether there is a thread.
static THREAD: Mutex<bool> = Mutex::new(false);
static CHANGED: Condvar = Condvar::new();

/// Some worker owes something.
pub(crate) fn wake() {
    // ORDERING: either `run` sees the debt or this sees that it does not look.
    fence(Ordering::SeqCst);
    if LOOKS.load(Ordering::Relaxed) || LOOKS.swap(true, Ordering::AcqRel) {
        return;
    }
    let mut thread_runs = THREAD.lock().unwrap_or_else(PoisonError::into_inner);
    if *thread_runs {
        CHANGED.notify_one();
    } else {
        *thread_runs = std::thread::Builder::new().name("cf-watchdog".into()).spawn(run).is_ok();
        if !*thread_runs {
            LOOKS.store(false, Ordering::SeqCst);
        }
    }
}

fn run() {
    loop {
        let mut thread_runs = THREAD.lock().unwrap_or_else(PoisonError::into_inner);
        while !LOOKS.load(Ordering::Acquire) {
            thread_runs = CHANGED.wait(thread_runs).unwrap_or_else(PoisonError::into_inner);
        }
        drop(thread_runs);
        std::thread::sleep(LOOK);
        if !look() {
            LOOKS.store(false, Ordering::SeqCst);
            fence(Ordering::SeqCst);
            // One that owed nothing a moment ago may have been called since, when nobody had to be woken.
            if worker_handle::all().iter().any(|handle| handle.pulse.outstanding().is_some()) {
                LOOKS.store(true, Ordering::SeqCst);
            }
        }
    }
}

/// Looks at every worker. Whether some owe something.
fn look() -> bool {
    let mut any = false;
    for handle in worker_handle::all() {
        let mut seen = handle.pulse.seen.lock();
        let Some(outstanding) = handle
            .pulse
            .outstanding()
            .filter(|outstanding| *outstanding == Outstanding::End || !handle.is_over())
        else {
            *seen = None;
            continue;
        };
        any = true;
        let now = Instant::now();
        let is_excused = debugger::any_paused() || is_wanted(&handle, outstanding);
        let since =
            seen.filter(|(before, _)| *before == outstanding && !is_excused).map_or(now, |(_, since)| since);
        *seen = Some((outstanding, since));
        let waited = now - since;
        match outstanding {
            Outstanding::End if waited >= UNENDED => {
                handle.pulse.end_leaving();
                handle.give_up_leaving();
            }
            // Of one that was called in vain nobody wants anything.
            Outstanding::Answer(_)
                if waited >= UNANSWERED && is_without_task(&handle, |state| state != WorkerState::Idle) =>
            {
                stopper::replace(&handle);
            }
            Outstanding::Answer(_) if waited >= LATE => {
                handle.finish_ended();
                handle.stop_waiting();
            }
            Outstanding::Load(_)
                if waited >= UNWANTED
                    && is_without_task(&handle, |state| state == WorkerState::Preparing) =>
            {
                stopper::replace(&handle);
            }
            _ => {}
        }
    }
    any
}

/// Whether some task waits for what is being loaded.
fn is_wanted(handle: &WorkerHandle, outstanding: Outstanding) -> bool {
    match outstanding {
        Outstanding::Load(load) => handle.entry.pool.wants(Kind::Isolate, (load as u32).wrapping_sub(1)),
        Outstanding::Answer(_) | Outstanding::End => false,
    }
}

fn is_without_task(handle: &Arc<WorkerHandle>, owes: fn(WorkerState) -> bool) -> bool {
    let id = *handle.id.lock();
    let workers = handle.entry.pool.workers();
    workers.iter().any(|worker| Some(worker.id) == id && owes(worker.state) && worker.held.is_empty())
}
