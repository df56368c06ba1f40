//! Workers that do not come back to their pool though they run no task of it.
//!
//! Three things can keep one:
//! - A callback that an ended task has left behind, such as a timer's, does not end. The pool has called
//!   the worker for the next task, or the worker went back to its event loop before it asked for one, and
//!   the pool hears nothing.
//! - A module that is loaded for a task does not get done with loading. When that task has been cancelled,
//!   or its `queueTimeout` is over, no task wants it any more. Neither is a running task, so no stop goes
//!   there; after a while the worker is replaced.
//! - A worker that has left does not come to its end, because a callback or an `exit` listener of an ended
//!   task does not: then its owner is told to end it, and the process's exit does not wait for it.
//!
//! A worker that does run tasks, and was called because it has room for another, keeps that one waiting
//! only for a moment: then another worker is sent.
//!
//! One thread for the process looks, in intervals, and only while the pool waits for something from a
//! worker.

use std::time::Instant;

use pool::{BackgroundThread, Kind, WorkerState};

use crate::supervision::debugger;
use crate::supervision::pulse::Outstanding;
use crate::supervision::replace::replace;
use crate::supervision::times::{CALL_RESEND, CALL_UNANSWERED, LOAD_UNWANTED, THREAD_END, WATCH_INTERVAL};
use crate::supervision::worker_handle::{self, WorkerHandle};

/// Parked while no worker has anything outstanding.
static THREAD: BackgroundThread = BackgroundThread::new("cf-watchdog", run);

/// Something is outstanding from some worker. Costs a fence and two loads while the thread is awake. If the
/// system refuses the thread the next call tries again.
pub(crate) fn wake() {
    let _ = THREAD.notify_if_parked();
}

fn run() {
    loop {
        std::thread::sleep(WATCH_INTERVAL);
        if !look() {
            THREAD.park_unless(|| worker_handle::all().iter().any(|handle| handle.pulse.has_outstanding()));
        }
    }
}

/// Looks at every worker. Whether anything is outstanding.
fn look() -> bool {
    let mut any = false;
    for handle in worker_handle::all() {
        let mut seen = handle.pulse.seen.lock();
        let outstanding = handle.pulse.outstanding();
        let Some(outstanding) = outstanding.filter(|what| *what == Outstanding::End || !handle.is_over())
        else {
            *seen = None;
            continue;
        };
        any = true;
        let now = Instant::now();
        let is_excused = debugger::any_paused() || is_wanted(&handle, outstanding);
        let is_known = |before: Outstanding| before == outstanding && !is_excused;
        let since = seen.filter(|(before, _)| is_known(*before)).map_or(now, |(_, since)| since);
        *seen = Some((outstanding, since));
        let waited = now - since;
        match outstanding {
            Outstanding::End if waited >= THREAD_END => {
                handle.pulse.end_leaving();
                handle.give_up_leaving();
            }
            // An idle one was called for nothing: no task waits for it.
            Outstanding::Answer(_)
                if waited >= CALL_UNANSWERED
                    && is_without_task(&handle, |state| state != WorkerState::Idle) =>
            {
                replace(&handle);
            }
            Outstanding::Answer(_) if waited >= CALL_RESEND => {
                handle.finish_ended();
                handle.stop_waiting();
            }
            Outstanding::Load(_)
                if waited >= LOAD_UNWANTED
                    && is_without_task(&handle, |state| {
                        matches!(state, WorkerState::Preparing | WorkerState::Retiring)
                    }) =>
            {
                replace(&handle);
            }
            _ => {}
        }
    }
    any
}

/// Whether some task waits for what is being loaded.
fn is_wanted(handle: &WorkerHandle, outstanding: Outstanding) -> bool {
    match outstanding {
        Outstanding::Load(load) => handle.entry.pool.wants(Kind::Isolate, load.function()),
        Outstanding::Answer(_) | Outstanding::End => false,
    }
}

/// Whether the worker holds no task, and is in such a state.
fn is_without_task(handle: &WorkerHandle, is_meant: fn(WorkerState) -> bool) -> bool {
    let id = *handle.id.lock();
    let workers = handle.entry.pool.workers();
    workers.iter().any(|worker| Some(worker.id) == id && is_meant(worker.state) && worker.held.is_empty())
}
