//! A worker isolate as other threads see it: what any thread may ask of the worker, and tell it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use pool::{Outcome, WorkerId, WorkerLink};

use crate::doorbell::bell::Bell;
use crate::process::message::to_parent;
use crate::process::parent;
use crate::supervision::guard::Guard;
use crate::supervision::os_thread;
use crate::supervision::pulse::Pulse;
use crate::tasks::pool_event::PoolEvent;
use crate::tasks::pools::PoolEntry;
use crate::tasks::task::{JsTask, JsWork};

struct Ended {
    token: f64,
    task: Arc<JsTask>,
    outcome: Outcome<JsWork>,
}

/// Shared by the worker, the pool and every thread that asks.
pub(crate) struct WorkerHandle {
    pub(crate) bell: Arc<Bell>,
    pub(crate) guard: Arc<Guard>,
    /// The pool that it works for.
    pub(crate) entry: Arc<PoolEntry>,
    /// Unique in the process; TypeScript knows the worker by it.
    pub(crate) number: u32,
    /// Node's number of the thread.
    pub(crate) thread_id: u32,
    /// Set once, when the worker is given up or has left: its thread must end without claiming again.
    pub(crate) must_end: AtomicBool,
    /// Set once, when the isolate has left the pool.
    has_gone: AtomicBool,
    /// Set once, when a thread that has left the pool does not end either.
    is_overdue: AtomicBool,
    /// Whether a stop has hit and the isolate was not found healthy since: it claims nothing.
    // ORDERING: set by the worker before it finishes the task that was hit, which the pool's mutex orders.
    pub(crate) is_recovering: AtomicBool,
    /// By which the pool knows it; none until it has attached.
    pub(crate) id: Mutex<Option<WorkerId>>,
    /// The ids of tasks whose `signal` is to abort.
    aborts: Mutex<Vec<u64>>,
    /// Tasks whose promise has settled in a callback that is not over: a rejection or a tick of theirs may
    /// still end the isolate, and then they are lost with it.
    ended: Mutex<Vec<Ended>>,
    /// The system's number of the thread.
    thread: i64,
    pub(crate) pulse: Pulse,
    weak: Weak<WorkerHandle>,
}

impl WorkerHandle {
    /// For the worker of the calling thread, which has not attached yet.
    pub(crate) fn new(
        bell: Arc<Bell>,
        guard: Arc<Guard>,
        entry: Arc<PoolEntry>,
        number: u32,
        thread_id: u32,
        pulse: Pulse,
    ) -> Arc<Self> {
        Arc::new_cyclic(|weak| WorkerHandle {
            bell,
            guard,
            entry,
            number,
            thread_id,
            must_end: AtomicBool::new(false),
            has_gone: AtomicBool::new(false),
            is_overdue: AtomicBool::new(false),
            is_recovering: AtomicBool::new(false),
            id: Mutex::new(None),
            aborts: Mutex::new(Vec::new()),
            ended: Mutex::new(Vec::new()),
            thread: os_thread::current(),
            pulse,
            weak: weak.clone(),
        })
    }

    /// A strong reference, for those that outlive the call.
    pub(crate) fn upgrade(&self) -> Option<Arc<WorkerHandle>> {
        self.weak.upgrade()
    }

    /// A task that it runs is stopped; of those of a child its parent tells.
    pub(crate) fn note_interrupt(&self, task: &Arc<JsTask>) {
        if parent::of_local(&self.entry).is_none() {
            self.entry.note_interrupt(task, self.thread_id);
        }
    }

    /// Whether the worker was given up and its isolate is still there.
    pub(crate) fn is_stuck(&self) -> bool {
        let has_gone = self.has_gone.load(Ordering::Acquire);
        self.must_end.load(Ordering::Acquire) && (!has_gone || self.is_overdue.load(Ordering::Acquire))
    }

    /// The thread has left the pool and does not end: its owner is told to end it, and to wait for it no
    /// longer.
    pub(crate) fn give_up_leaving(&self) {
        if !self.is_overdue.swap(true, Ordering::AcqRel) {
            self.tell_owner_to_end();
        }
    }

    /// Has the pool's owner end the thread.
    pub(crate) fn tell_owner_to_end(&self) {
        self.entry.tell_owner(PoolEvent::EndWorker, f64::from(self.number));
    }

    /// The isolate of a worker that has left is ending.
    pub(crate) fn note_end(&self) {
        self.pulse.end_leaving();
        self.is_overdue.store(false, Ordering::Release);
    }

    /// Whether the worker was given up, or has left by itself.
    pub(crate) fn is_over(&self) -> bool {
        self.must_end.load(Ordering::Acquire) || self.has_gone.load(Ordering::Acquire)
    }

    /// Whether the thread sleeps in the system; see `os_thread`.
    pub(crate) fn is_asleep(&self) -> bool {
        os_thread::is_asleep(self.thread)
    }

    /// How long the thread has had a processor so far; see `os_thread`.
    pub(crate) fn time_on_processor(&self) -> Option<Duration> {
        os_thread::time_on_processor(self.thread)
    }

    /// Whether the worker still holds this task.
    pub(crate) fn holds(&self, task: &Arc<JsTask>) -> bool {
        let id = *self.id.lock();
        id.is_some_and(|id| self.entry.pool.holds(id, task))
    }

    /// Whether the worker holds any task.
    pub(crate) fn holds_any(&self) -> bool {
        let id = *self.id.lock();
        id.is_some_and(|id| self.entry.pool.holds_any(id))
    }

    /// Has the worker retire, if it holds a task that can still end. False if not.
    pub(crate) fn retire(&self) -> bool {
        if let Some(parent) = parent::of_local(&self.entry) {
            // The pool's process has it leave; what it is given until then still runs.
            let goes_on = self.holds_unsettled();
            if goes_on {
                parent.tell(to_parent::RETIRE, |_| {});
            }
            return goes_on;
        }
        let id = *self.id.lock();
        id.is_some_and(|id| self.entry.pool.holds_unsettled(id) && self.entry.pool.retire(id))
    }

    /// The worker retires because it cannot let go of this task, which has settled: who waits for that waits
    /// no longer.
    pub(crate) fn let_go_of(&self, task: &Arc<JsTask>) {
        let id = *self.id.lock();
        if let Some(id) = id {
            self.entry.pool.let_go_of(id, task);
        }
    }

    /// Whether the worker holds a task that can still end.
    pub(crate) fn holds_unsettled(&self) -> bool {
        let id = *self.id.lock();
        id.is_some_and(|id| self.entry.pool.holds_unsettled(id))
    }

    /// Whether the worker holds this task and no other.
    pub(crate) fn holds_only(&self, task: &Arc<JsTask>) -> bool {
        let id = *self.id.lock();
        id.is_some_and(|id| self.entry.pool.holds_only(id, task))
    }

    /// A promise has settled, and with it this task, once the callback is over.
    pub(crate) fn note_ended(&self, token: f64, task: Arc<JsTask>, outcome: Outcome<JsWork>) {
        self.ended.lock().push(Ended { token, task, outcome });
    }

    /// Whether the promise of the task with this token has settled in a callback that is not over.
    pub(crate) fn is_ending(&self, token: f64) -> bool {
        self.ended.lock().iter().any(|ended| ended.token == token && !ended.task.state().is_settled())
    }

    /// The outcome of this task, if its promise has settled.
    pub(crate) fn take_ended(&self, task: &Arc<JsTask>) -> Option<Outcome<JsWork>> {
        let mut ended = self.ended.lock();
        let at = ended.iter().position(|ended| Arc::ptr_eq(&ended.task, task))?;
        Some(ended.swap_remove(at).outcome)
    }

    pub(crate) fn take_all_ended(&self) -> Vec<(Arc<JsTask>, Outcome<JsWork>)> {
        std::mem::take(&mut *self.ended.lock()).into_iter().map(|ended| (ended.task, ended.outcome)).collect()
    }

    /// The callback takes too long: settles, on the calling thread, the tasks whose promise has settled in
    /// it.
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

    /// The isolate has left the pool. Whether it had been given up before.
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

/// Adds a worker to those that are known.
pub(crate) fn register(handle: &Arc<WorkerHandle>) {
    let mut handles = HANDLES.lock();
    handles.retain(|handle| handle.strong_count() > 0);
    handles.push(Arc::downgrade(handle));
}

/// The handles of all workers.
pub(crate) fn all() -> Vec<Arc<WorkerHandle>> {
    HANDLES.lock().iter().filter_map(Weak::upgrade).collect()
}

/// The handle that the pool knows as `shared`.
pub(crate) fn find(shared: &Arc<dyn WorkerLink<JsWork>>) -> Option<Arc<WorkerHandle>> {
    let wanted = Arc::as_ptr(shared).cast::<()>();
    HANDLES.lock().iter().filter_map(Weak::upgrade).find(|handle| Arc::as_ptr(handle).cast::<()>() == wanted)
}
