//! The pool's hold on a worker isolate: what any thread may ask of the worker, and tell it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use pool::{Outcome, WorkerId, WorkerLink};

use crate::doorbell::bell::Bell;
use crate::supervision::guard::Guard;
use crate::supervision::pulse::Pulse;
use crate::tasks::pool_event::PoolEvent;
use crate::tasks::pools::PoolEntry;
use crate::tasks::task::{JsTask, JsWork};

/// The pool's hold on a worker isolate; shared with every thread.
pub(crate) struct WorkerHandle {
    pub(crate) bell: Arc<Bell>,
    pub(crate) guard: Arc<Guard>,
    pub(crate) entry: Arc<PoolEntry>,
    pub(crate) number: u32,
    /// Set once, when the thread must end without claiming again.
    pub(crate) must_end: AtomicBool,
    /// Set once, when the isolate has let go of the pool.
    has_gone: AtomicBool,
    /// Set once, when a thread that has left the pool does not end either.
    is_overdue: AtomicBool,
    /// Whether a stop has hit and the isolate was not found healthy since: it claims nothing.
    // ORDERING: set by the worker before it puts down the task that was hit, which the pool's mutex orders.
    pub(crate) is_recovering: AtomicBool,
    pub(crate) id: Mutex<Option<WorkerId>>,
    /// Tasks whose `signal` is to abort.
    aborts: Mutex<Vec<u64>>,
    /// Tasks whose promise has settled in a callback that is not over: a rejection or a tick of theirs may still end the isolate, and
    /// then they are lost with it.
    ended: Mutex<Vec<(Arc<JsTask>, Outcome<JsWork>)>>,
    /// The system's number of the thread; 0 where there is none.
    pub(crate) thread: i64,
    pub(crate) pulse: Pulse,
    weak: Weak<WorkerHandle>,
}

impl WorkerHandle {
    /// The hold on the worker of the calling thread, which has not attached yet.
    pub(crate) fn new(
        bell: Arc<Bell>,
        guard: Arc<Guard>,
        entry: Arc<PoolEntry>,
        number: u32,
        pulse: Pulse,
    ) -> Arc<Self> {
        Arc::new_cyclic(|weak| WorkerHandle {
            bell,
            guard,
            entry,
            number,
            must_end: AtomicBool::new(false),
            has_gone: AtomicBool::new(false),
            is_overdue: AtomicBool::new(false),
            is_recovering: AtomicBool::new(false),
            id: Mutex::new(None),
            aborts: Mutex::new(Vec::new()),
            ended: Mutex::new(Vec::new()),
            thread: thread_number(),
            pulse,
            weak: weak.clone(),
        })
    }

    /// The link as those hold it who outlive the call.
    pub(crate) fn upgrade(&self) -> Option<Arc<WorkerHandle>> {
        self.weak.upgrade()
    }

    /// Whether the worker was given up and its isolate is still there.
    pub(crate) fn is_stuck(&self) -> bool {
        let has_gone = self.has_gone.load(Ordering::Acquire);
        self.must_end.load(Ordering::Acquire) && (!has_gone || self.is_overdue.load(Ordering::Acquire))
    }

    /// The thread has left the pool and does not end: its owner is told to end it, and to wait for it no longer.
    pub(crate) fn give_up_leaving(&self) {
        if !self.is_overdue.swap(true, Ordering::AcqRel) {
            self.tell_owner_to_end();
        }
    }

    pub(crate) fn tell_owner_to_end(&self) {
        self.entry.tell_owner(PoolEvent::EndWorker, f64::from(self.number));
    }

    /// The isolate of a worker that has left comes to its end.
    pub(crate) fn note_end(&self) {
        self.pulse.end_leaving();
        self.is_overdue.store(false, Ordering::Release);
    }

    /// Whether the worker was given up, or has gone by itself.
    pub(crate) fn is_over(&self) -> bool {
        self.must_end.load(Ordering::Acquire) || self.has_gone.load(Ordering::Acquire)
    }

    /// Whether the thread sleeps in the system, as in `Atomics.wait` or a blocking call. False where that cannot
    /// be told.
    pub(crate) fn is_asleep(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/self/task/{}/stat", self.thread));
        // The state follows the name, which is in parentheses and may hold anything.
        stat.is_ok_and(|stat| {
            stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with(['S', 'D']))
        })
    }

    /// Whether the worker still has this task in its hands.
    pub(crate) fn holds(&self, task: &Arc<JsTask>) -> bool {
        let id = *self.id.lock();
        id.is_some_and(|id| self.entry.pool.holds(id, task))
    }

    /// Whether the worker has any task in its hands.
    pub(crate) fn holds_any(&self) -> bool {
        let id = *self.id.lock();
        id.is_some_and(|id| self.entry.pool.holds_any(id))
    }

    /// Whether the worker has this task in its hands and no other.
    pub(crate) fn holds_only(&self, task: &Arc<JsTask>) -> bool {
        let id = *self.id.lock();
        id.is_some_and(|id| self.entry.pool.holds_only(id, task))
    }

    pub(crate) fn note_ended(&self, task: Arc<JsTask>, outcome: Outcome<JsWork>) {
        self.ended.lock().push((task, outcome));
    }

    /// The outcome of this task, if its promise has settled.
    pub(crate) fn take_ended(&self, task: &Arc<JsTask>) -> Option<Outcome<JsWork>> {
        let mut ended = self.ended.lock();
        let at = ended.iter().position(|(other, _)| Arc::ptr_eq(other, task))?;
        Some(ended.swap_remove(at).1)
    }

    pub(crate) fn take_all_ended(&self) -> Vec<(Arc<JsTask>, Outcome<JsWork>)> {
        std::mem::take(&mut *self.ended.lock())
    }

    /// The callback takes too long: settles, on another thread, the tasks whose promise has settled in it.
    pub(crate) fn finish_ended(&self) {
        let id = *self.id.lock();
        for (task, outcome) in self.take_all_ended() {
            if let Some(id) = id {
                self.entry.pool.finish_for(id, &task, outcome);
            }
        }
    }

    /// Has another worker sent for what this one was woken for while it holds tasks.
    pub(crate) fn stop_waiting(&self) {
        let id = *self.id.lock();
        if let Some(id) = id {
            self.entry.pool.stop_waiting_for(id);
        }
    }

    /// Has the task's signal aborted by the worker itself, if it can.
    pub(crate) fn abort(&self, task: &Arc<JsTask>) {
        if task.owner().has_looked() {
            self.aborts.lock().push(task.id());
            self.bell.ring();
        }
    }

    /// Whether there are tasks whose `signal` is to abort now.
    pub(crate) fn has_aborts(&self) -> bool {
        !self.aborts.lock().is_empty()
    }

    /// The ids of the tasks whose `signal` is to abort now.
    pub(crate) fn take_aborts(&self) -> Vec<u64> {
        std::mem::take(&mut *self.aborts.lock())
    }

    /// The isolate has let go of the pool. Whether it had been given up before.
    pub(crate) fn note_gone(&self) -> bool {
        self.has_gone.store(true, Ordering::Release);
        self.must_end.swap(true, Ordering::AcqRel)
    }
}

/// Whether some worker was given up and has not ended.
pub(crate) fn any_stuck() -> bool {
    HANDLES.lock().iter().filter_map(Weak::upgrade).any(|handle| handle.is_stuck())
}

static HANDLES: Mutex<Vec<Weak<WorkerHandle>>> = Mutex::new(Vec::new());

/// Keeps a way to it.
pub(crate) fn register(handle: &Arc<WorkerHandle>) {
    let mut links = HANDLES.lock();
    links.retain(|handle| handle.strong_count() > 0);
    links.push(Arc::downgrade(handle));
}

/// Those of all workers.
pub(crate) fn all() -> Vec<Arc<WorkerHandle>> {
    HANDLES.lock().iter().filter_map(Weak::upgrade).collect()
}

/// What the pool knows as `shared`.
pub(crate) fn find(shared: &Arc<dyn WorkerLink<JsWork>>) -> Option<Arc<WorkerHandle>> {
    let wanted = Arc::as_ptr(shared).cast::<()>();
    HANDLES.lock().iter().filter_map(Weak::upgrade).find(|handle| Arc::as_ptr(handle).cast::<()>() == wanted)
}

#[cfg(target_os = "linux")]
fn thread_number() -> i64 {
    // SAFETY: no arguments; cannot fail.
    unsafe { libc::syscall(libc::SYS_gettid) }
}

#[cfg(not(target_os = "linux"))]
fn thread_number() -> i64 {
    0
}
