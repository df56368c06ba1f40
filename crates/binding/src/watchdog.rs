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

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pool::{Kind, WorkerState};

use crate::isolate_link::IsolateLink;
use crate::{debugger, pools, stopper};

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

/// What a worker owes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Debt {
    /// An answer to this call.
    Answer(u64),
    /// The end of this load.
    Load(u64),
    /// The end of its thread.
    End,
}

/// Calls and answers of one worker.
#[derive(Default)]
pub(crate) struct Pulse {
    /// How often the worker was called, by the pool or by itself. Raised before the bell rings, so whoever comes for the bell sees it.
    called: AtomicU64,
    answered: AtomicU64,
    /// 0, or the load under way: its number above the function's, which is counted from 1.
    load: AtomicU64,
    /// Whether the worker has left the pool, and its thread has not ended.
    leaves: AtomicBool,
    /// What the watchdog has seen, and since when.
    seen: parking_lot::Mutex<Option<(Debt, Instant)>>,
}

impl Pulse {
    /// The worker is called, to ask for its next task.
    pub(crate) fn call(&self) {
        self.called.fetch_add(1, Ordering::Release);
        watch();
    }

    /// The worker asks for its next task.
    pub(crate) fn answer(&self) {
        self.answered.store(self.called.load(Ordering::Acquire), Ordering::Release);
    }

    pub(crate) fn begin_load(&self, function: u32) {
        // ORDERING: only uniqueness matters.
        static LOADS: AtomicU64 = AtomicU64::new(0);
        let number = LOADS.fetch_add(1, Ordering::Relaxed) << 32;
        self.load.store(number | (u64::from(function) + 1), Ordering::Release);
        watch();
    }

    pub(crate) fn end_load(&self) {
        self.load.store(0, Ordering::Release);
    }

    pub(crate) fn begin_leaving(&self) {
        self.leaves.store(true, Ordering::Release);
        watch();
    }

    pub(crate) fn end_leaving(&self) {
        self.leaves.store(false, Ordering::Release);
    }

    /// Whether the worker has not come back from something that it was called for, or went to load.
    pub(crate) fn is_in_debt(&self) -> bool {
        self.debt().is_some()
    }

    fn debt(&self) -> Option<Debt> {
        if self.leaves.load(Ordering::Acquire) {
            return Some(Debt::End);
        }
        match self.load.load(Ordering::Acquire) {
            0 => {
                let called = self.called.load(Ordering::Acquire);
                (called != self.answered.load(Ordering::Acquire)).then_some(Debt::Answer(called))
            }
            load => Some(Debt::Load(load)),
        }
    }
}

/// Whether the thread looks, or is about to.
static LOOKS: AtomicBool = AtomicBool::new(false);
/// Whether there is a thread.
static THREAD: Mutex<bool> = Mutex::new(false);
static CHANGED: Condvar = Condvar::new();

fn watch() {
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
            if pools::links().iter().any(|link| link.pulse.debt().is_some()) {
                LOOKS.store(true, Ordering::SeqCst);
            }
        }
    }
}

/// Looks at every worker. Whether some owe something.
fn look() -> bool {
    let mut any = false;
    for link in pools::links() {
        let mut seen = link.pulse.seen.lock();
        let Some(debt) = link.pulse.debt().filter(|debt| *debt == Debt::End || !link.is_over()) else {
            *seen = None;
            continue;
        };
        any = true;
        let now = Instant::now();
        let is_excused = debugger::holds_any() || is_wanted(&link, debt);
        let since = seen.filter(|(before, _)| *before == debt && !is_excused).map_or(now, |(_, since)| since);
        *seen = Some((debt, since));
        let waited = now - since;
        match debt {
            Debt::End if waited >= UNENDED => {
                link.pulse.end_leaving();
                link.give_up_leaving();
            }
            // Of one that was called in vain nobody wants anything.
            Debt::Answer(_)
                if waited >= UNANSWERED && is_without_task(&link, |state| state != WorkerState::Idle) =>
            {
                stopper::replace(&link);
            }
            Debt::Answer(_) if waited >= LATE => {
                link.finish_ended();
                link.stop_waiting();
            }
            Debt::Load(_)
                if waited >= UNWANTED && is_without_task(&link, |state| state == WorkerState::Preparing) =>
            {
                stopper::replace(&link);
            }
            _ => {}
        }
    }
    any
}

/// Whether some task waits for what is being loaded.
fn is_wanted(link: &IsolateLink, debt: Debt) -> bool {
    match debt {
        Debt::Load(load) => link.entry.pool.wants(Kind::Isolate, (load as u32).wrapping_sub(1)),
        Debt::Answer(_) | Debt::End => false,
    }
}

fn is_without_task(link: &Arc<IsolateLink>, owes: fn(WorkerState) -> bool) -> bool {
    let id = *link.id.lock();
    let workers = link.entry.pool.workers();
    workers.iter().any(|worker| Some(worker.id) == id && owes(worker.state) && worker.held.is_empty())
}
