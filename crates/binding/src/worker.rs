//! A worker isolate's side: its hold on the pool, the tasks in its hands, and the callbacks into lib/worker.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use napi::sys;
use parking_lot::Mutex;
use pool::{Kind, Next, Outcome, Task, Worker, WorkerId, WorkerLink};

use crate::bell::Bell;
use crate::functions;
use crate::guard::Guard;
use crate::isolate::IsolateState;
use crate::js;
use crate::pools::PoolEntry;
use crate::quiet::{self, Gathered};
use crate::stopper;
use crate::value::Packed;
use crate::watchdog::Pulse;
use crate::work::{JsPool, JsTask, JsWork};

/// The functions of lib/worker.
pub(crate) struct WorkerCallbacks {
    pub(crate) dispatch: sys::napi_ref,
    pub(crate) prepare: sys::napi_ref,
    pub(crate) leave: sys::napi_ref,
    pub(crate) abort: sys::napi_ref,
    pub(crate) recover: sys::napi_ref,
    pub(crate) pack_error: sys::napi_ref,
    pub(crate) prepare_now: sys::napi_ref,
}

/// The pool's hold on a worker isolate; shared with every thread.
pub(crate) struct IsolateLink {
    pub(crate) bell: Arc<Bell>,
    pub(crate) guard: Arc<Guard>,
    pub(crate) entry: Arc<PoolEntry>,
    pub(crate) number: u32,
    /// Set once, when the thread must end without claiming again.
    pub(crate) doomed: AtomicBool,
    /// Set once, when the isolate has let go of the pool.
    has_gone: AtomicBool,
    pub(crate) id: Mutex<Option<WorkerId>>,
    /// Tasks whose `signal` is to abort.
    aborts: Mutex<Vec<u64>>,
    /// The system's number of the thread; 0 where there is none.
    pub(crate) thread: i64,
    pub(crate) pulse: Pulse,
    me: Weak<IsolateLink>,
}

impl WorkerLink<JsWork> for IsolateLink {
    fn wake(&self) {
        self.pulse.call();
        self.bell.ring();
    }

    fn stop(&self, task: &Arc<Task<JsWork>>) {
        self.abort(task);
        stopper::stop(self, task, false);
    }

    fn expire(&self, _pool: &Arc<JsPool>, task: &Arc<Task<JsWork>>) {
        self.abort(task);
        stopper::stop(self, task, true);
    }
}

impl IsolateLink {
    /// The link as those hold it who outlive the call.
    pub(crate) fn me(&self) -> Option<Arc<IsolateLink>> {
        self.me.upgrade()
    }

    /// Whether the worker was given up and its isolate is still there.
    pub(crate) fn is_stuck(&self) -> bool {
        self.doomed.load(Ordering::Acquire) && !self.has_gone.load(Ordering::Acquire)
    }

    /// Whether the worker was given up, or has gone by itself.
    pub(crate) fn is_over(&self) -> bool {
        self.doomed.load(Ordering::Acquire) || self.has_gone.load(Ordering::Acquire)
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

    /// Has the task's signal aborted by the worker itself, if it can.
    fn abort(&self, task: &Arc<JsTask>) {
        if task.owner().has_looked() {
            self.aborts.lock().push(task.id());
            self.bell.ring();
        }
    }
}

/// A task in the worker's hands.
struct Held {
    token: f64,
    task: Arc<JsTask>,
    awaiting: bool,
}

/// Stands for the exit code of worker `number` where it is not known here; lib/link.ts asks the thread's owner.
fn unknown_exit(number: u32) -> i32 {
    i32::MIN.saturating_add_unsigned(number)
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

/// Answers of `prepareNow`. Shared with lib/worker/loader.ts.
const LOADED: i32 = 1;
const LOADED_ASYNC: i32 = 2;

/// How a worker stands to a function.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Ready {
    #[default]
    No,
    /// Loaded, or has failed to load; as far as is known it returns without awaiting.
    Sync,
    /// Loaded; it returns promises.
    Async,
}

pub(crate) struct WorkerSide {
    worker: RefCell<Option<Worker<JsWork>>>,
    pub(crate) link: Arc<IsolateLink>,
    pub(crate) guard: Arc<Guard>,
    pub(crate) callbacks: WorkerCallbacks,
    ready: RefCell<Vec<Ready>>,
    held: RefCell<Vec<Held>>,
    next_token: Cell<f64>,
    /// False while the worker prepares a function or recovers from a stop.
    claiming: Cell<bool>,
    pub(crate) gathered: Arc<Gathered>,
    gathers: Cell<bool>,
    /// The pool and the number of the task that this thread was last blocked for.
    waited_for: Cell<(u32, u64)>,
    /// The function that is being loaded.
    preparing: Cell<Option<u32>>,
    /// Tasks whose arguments are on their way back to the owner.
    returned: RefCell<Vec<Arc<JsTask>>>,
    exit_code: Cell<Option<i32>>,
    cause: RefCell<Option<Arc<Packed>>>,
}

impl WorkerSide {
    pub(crate) fn attach(
        entry: Arc<PoolEntry>,
        number: u32,
        bell: Arc<Bell>,
        env: sys::napi_env,
        callbacks: WorkerCallbacks,
    ) -> Self {
        let guard = Arc::new(Guard::new(env));
        let link = Arc::new_cyclic(|me| IsolateLink {
            me: me.clone(),
            thread: thread_number(),
            pulse: Pulse::default(),
            bell,
            guard: guard.clone(),
            entry: entry.clone(),
            number,
            doomed: AtomicBool::new(false),
            has_gone: AtomicBool::new(false),
            id: Mutex::new(None),
            aborts: Mutex::new(Vec::new()),
        });
        let worker = entry.pool.attach(Kind::Isolate, link.clone());
        *link.id.lock() = Some(worker.id());
        WorkerSide {
            worker: RefCell::new(Some(worker)),
            link,
            guard,
            callbacks,
            ready: RefCell::default(),
            held: RefCell::default(),
            next_token: Cell::new(1.0),
            claiming: Cell::new(true),
            gathered: quiet::register(),
            gathers: Cell::new(false),
            waited_for: Cell::default(),
            preparing: Cell::new(None),
            returned: RefCell::default(),
            exit_code: Cell::new(None),
            cause: RefCell::new(None),
        }
    }

    pub(crate) fn is_doomed(&self) -> bool {
        self.link.doomed.load(Ordering::Acquire)
    }

    pub(crate) fn may_claim(&self) -> bool {
        self.claiming.get() && self.worker.borrow().is_some()
    }

    /// Whether this worker's tasks are so short that its rings are gathered.
    pub(crate) fn gathers(&self) -> bool {
        self.gathers.get()
    }

    pub(crate) fn set_gathers(&self, gathers: bool) {
        let gathers = gathers && quiet::is_watched();
        if self.gathers.replace(gathers) != gathers {
            quiet::gather(gathers.then_some(&self.gathered));
        }
    }

    pub(crate) fn set_claiming(&self, claiming: bool) {
        self.claiming.set(claiming);
    }

    /// Whether some task's promise is pending: then the event loop must turn.
    pub(crate) fn is_awaiting(&self) -> bool {
        self.held.borrow().iter().any(|held| held.awaiting)
    }

    /// Settles what was run and claims the next.
    pub(crate) fn turn(&self, done: Option<(Arc<JsTask>, Outcome<JsWork>)>) -> Next<JsWork> {
        let worker = self.worker.borrow();
        let Some(worker) = worker.as_ref() else { return Next::Leave };
        self.link.pulse.answer();
        let ready = self.ready.borrow();
        let is_ready = |needs: u32| ready.get(needs as usize).is_some_and(|ready| *ready != Ready::No);
        let next = match done {
            Some((task, outcome)) => worker.turn(Some((&task, outcome)), &is_ready),
            None => worker.next(&is_ready),
        };
        if let Next::Prepare(function) = next {
            self.claiming.set(false);
            self.preparing.set(Some(function));
            self.link.pulse.begin_load(function);
        }
        next
    }

    /// Settles what was run, without claiming.
    pub(crate) fn finish(&self, done: Option<(Arc<JsTask>, Outcome<JsWork>)>) {
        if let (Some((task, outcome)), Some(worker)) = (done, self.worker.borrow().as_ref()) {
            worker.finish(&task, outcome);
        }
    }

    /// A function has been loaded, or has failed to.
    pub(crate) fn prepared(&self, function: u32, is_async: bool) {
        self.preparing.set(None);
        self.link.pulse.end_load();
        self.note_function(function, if is_async { Ready::Async } else { Ready::Sync });
        self.claiming.set(true);
    }

    fn note_function(&self, function: u32, is: Ready) {
        let mut ready = self.ready.borrow_mut();
        let index = function as usize;
        if ready.len() <= index {
            ready.resize(index + 1, Ready::No);
        }
        ready[index] = is;
    }

    /// Whether a task of this function can run on top of one that waits for it; loads the function if that takes
    /// no waiting.
    pub(crate) fn can_run_nested(&self, state: &IsolateState, function: u32) -> Result<bool, js::Fault> {
        if !self.may_claim() || functions::is_async(function) {
            return Ok(false);
        }
        if self.readiness(function) == Ready::No {
            let prepare = js::deref(state.env, self.callbacks.prepare_now)?;
            let answer = js::call(state.env, prepare, &[js::double(state.env, f64::from(function))?])?;
            match js::get_i32(state.env, answer)? {
                LOADED => self.note_function(function, Ready::Sync),
                LOADED_ASYNC => self.note_function(function, Ready::Async),
                _ => {}
            }
        }
        Ok(self.readiness(function) == Ready::Sync)
    }

    fn readiness(&self, function: u32) -> Ready {
        self.ready.borrow().get(function as usize).copied().unwrap_or_default()
    }

    /// Claims a task that one of ours waits for.
    pub(crate) fn claim_task(&self, task: &Arc<JsTask>) -> Option<JsWork> {
        self.worker.borrow().as_ref().and_then(|worker| worker.claim_task(task))
    }

    /// Whether this thread holds the task: it runs it, or has to run its continuation.
    pub(crate) fn has_in_hand(&self, task: &Arc<JsTask>) -> bool {
        self.held.borrow().iter().any(|held| Arc::ptr_eq(&held.task, task))
    }

    /// What this thread holds.
    pub(crate) fn held_tasks(&self) -> Vec<Arc<JsTask>> {
        self.held.borrow().iter().map(|held| held.task.clone()).collect()
    }

    /// Whether this is the first slice of a wait.
    pub(crate) fn begins_to_wait_for(&self, task: &Arc<JsTask>) -> bool {
        let name = (task.owner().pool, task.id());
        self.waited_for.replace(name) != name
    }

    /// A task begins to wait: the worker's place is free for another. With `blocks` another worker may be started, for
    /// this one will claim nothing. Without, it says whether one is missed.
    pub(crate) fn suspend(&self, blocks: bool) -> bool {
        match self.worker.borrow().as_ref() {
            Some(worker) if blocks => {
                worker.suspend();
                false
            }
            Some(worker) => worker.suspend_claiming(),
            None => false,
        }
    }

    /// A wait is over.
    pub(crate) fn resume(&self, blocks: bool) {
        match self.worker.borrow().as_ref() {
            Some(worker) if blocks => worker.resume(),
            Some(worker) => worker.resume_claiming(),
            None => {}
        }
    }

    /// The worker blocks: takes the tasks that only it could claim out of its hands.
    pub(crate) fn give_back(&self) -> Vec<Arc<JsTask>> {
        let tasks = self.worker.borrow().as_ref().map(Worker::give_back).unwrap_or_default();
        self.returned.borrow_mut().extend(tasks.iter().cloned());
        tasks
    }

    pub(crate) fn gave_back(&self) {
        for task in std::mem::take(&mut *self.returned.borrow_mut()) {
            self.link.entry.pool.seal(&task);
        }
    }

    pub(crate) fn begin(&self, task: &Arc<JsTask>) -> f64 {
        let token = self.next_token.get();
        self.next_token.set(token + 1.0);
        self.held.borrow_mut().push(Held { token, task: task.clone(), awaiting: false });
        token
    }

    /// The worker's hands are free of this task.
    pub(crate) fn end(&self, token: f64) -> Option<Arc<JsTask>> {
        let mut held = self.held.borrow_mut();
        let index = held.iter().position(|held| held.token == token)?;
        Some(held.swap_remove(index).task)
    }

    pub(crate) fn await_promise(&self, token: f64) {
        if let Some(held) = self.held.borrow_mut().iter_mut().find(|held| held.token == token) {
            held.awaiting = true;
            let function = held.task.needs();
            if self.readiness(function) != Ready::Async {
                self.note_function(function, Ready::Async);
                functions::note_async(function);
            }
        }
    }

    pub(crate) fn task(&self, token: f64) -> Option<Arc<JsTask>> {
        self.held.borrow().iter().find(|held| held.token == token).map(|held| held.task.clone())
    }

    /// A pending promise has settled.
    pub(crate) fn settle(&self, token: f64, outcome: Outcome<JsWork>) {
        if let Some(task) = self.end(token) {
            self.finish(Some((task, outcome)));
            self.link.bell.ring();
        }
    }

    /// The tokens of the tasks whose signal is to abort now.
    pub(crate) fn take_aborts(&self) -> Vec<f64> {
        let ids = std::mem::take(&mut *self.link.aborts.lock());
        let held = self.held.borrow();
        held.iter().filter(|held| ids.contains(&held.task.id())).map(|held| held.token).collect()
    }

    /// Leaves the pool if it is idle and not kept warm.
    pub(crate) fn leave_if_idle(&self) -> bool {
        self.worker.borrow().as_ref().is_none_or(Worker::leave_if_idle)
    }

    /// A stop has hit: puts right what it skipped, on the stack of the trampoline, and claims nothing until
    /// lib/worker has found the isolate healthy.
    pub(crate) fn recover(&self, state: &IsolateState) {
        self.claiming.set(false);
        let unharmed = self.guard.is_unharmed();
        let called = js::deref(state.env, self.callbacks.recover)
            .and_then(|recover| js::call(state.env, recover, &[js::boolean(state.env, unharmed)?]));
        if called.is_err() {
            let _ = js::take_exception(state.env);
            stopper::replace(&self.link);
        }
    }

    /// Whether the isolate can still run JavaScript. Once it cannot, the worker claims nothing more.
    pub(crate) fn is_alive(&self, state: &IsolateState) -> bool {
        let called = self.call_nothing(state);
        if called.is_err() {
            self.claiming.set(false);
        }
        called.is_ok()
    }

    /// Calls into JavaScript to no effect: fails where none can run, or where the caller is to be stopped.
    pub(crate) fn call_nothing(&self, state: &IsolateState) -> Result<(), js::Fault> {
        let abort = js::deref(state.env, self.callbacks.abort)?;
        js::call(state.env, abort, &[js::double(state.env, 0.0)?]).map(drop)
    }

    pub(crate) fn note_exit(&self, code: i32) {
        self.exit_code.set(Some(code));
    }

    /// Whether an error was noted that ends the isolate, unless the user's code handles it.
    pub(crate) fn has_cause(&self) -> bool {
        self.cause.borrow().is_some()
    }

    pub(crate) fn forget_cause(&self) {
        self.cause.borrow_mut().take();
    }

    pub(crate) fn note_cause(&self, cause: Packed) {
        self.cause.borrow_mut().get_or_insert(Arc::new(cause));
    }

    /// The isolate is ending: what it holds is lost.
    pub(crate) fn gone(&self) {
        self.guard.close();
        self.link.has_gone.store(true, Ordering::Release);
        let was_given_up = self.link.doomed.swap(true, Ordering::AcqRel);
        let cause = self.cause.borrow_mut().take();
        // Out of memory, or ended from outside: only the thread that started the worker will know why.
        let exit_code =
            self.exit_code.get().or_else(|| cause.is_none().then(|| unknown_exit(self.link.number)));
        // One that was given up while it loaded has nothing to do with a task that has come since.
        if let Some(function) = self.preparing.take().filter(|_| !was_given_up) {
            let pool = &self.link.entry.pool;
            pool.lose_first(Kind::Isolate, function, exit_code, cause.clone());
        }
        if let Some(worker) = self.worker.borrow_mut().take() {
            worker.detach(exit_code, cause);
        }
        self.held.borrow_mut().clear();
    }
}
