//! A worker isolate's side: its hold on the pool, what it claims and settles, and the callbacks into lib/worker.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use napi::sys;
use pool::{Kind, Linger, Next, Outcome, Turn, Worker, WorkerLink};

use crate::doorbell::bell::Bell;
use crate::doorbell::coalesce::{self, PendingRing};
use crate::js::{self, Env};
use crate::supervision::guard::Guard;
use crate::supervision::pulse::Pulse;
use crate::supervision::replace::replace;
use crate::supervision::watchdog;
use crate::supervision::worker_handle::WorkerHandle;
use crate::tasks::functions;
use crate::tasks::pools::PoolEntry;
use crate::tasks::task::{JsTask, JsWork};
use crate::values::value::Packed;
use crate::worker::held_tasks::HeldTasks;
use crate::worker::loaded_functions::{Loaded, LoadedFunctions};

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

/// Stands for the exit code of worker `number` where it is not known here; lib/link.ts asks the thread's owner.
fn unknown_exit(number: u32) -> i32 {
    i32::MIN.saturating_add_unsigned(number)
}

pub(crate) struct WorkerSide {
    worker: RefCell<Option<Worker<JsWork>>>,
    pub(crate) handle: Arc<WorkerHandle>,
    pub(crate) guard: Arc<Guard>,
    pub(crate) callbacks: WorkerCallbacks,
    loaded: LoadedFunctions,
    pub(crate) held: HeldTasks,
    /// False while the worker prepares a function or recovers from a stop.
    claiming: Cell<bool>,
    pub(crate) pending_ring: Arc<PendingRing>,
    pub(crate) linger: Linger,
    coalesces: Cell<bool>,
    turns: Cell<bool>,
    /// Whether promises of tasks have settled since the last look.
    has_ended: Cell<bool>,
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
        guard: Guard,
        callbacks: WorkerCallbacks,
    ) -> Self {
        let guard = Arc::new(guard);
        let handle =
            WorkerHandle::new(bell, guard.clone(), entry.clone(), number, Pulse::new(watchdog::wake));
        let worker = entry.pool.attach(Kind::Isolate, handle.clone());
        *handle.id.lock() = Some(worker.id());
        WorkerSide {
            worker: RefCell::new(Some(worker)),
            handle,
            guard,
            callbacks,
            loaded: LoadedFunctions::default(),
            held: HeldTasks::default(),
            claiming: Cell::new(true),
            pending_ring: coalesce::register(),
            linger: Linger::default(),
            coalesces: Cell::new(false),
            turns: Cell::new(false),
            has_ended: Cell::new(false),
            waited_for: Cell::default(),
            preparing: Cell::new(None),
            returned: RefCell::default(),
            exit_code: Cell::new(None),
            cause: RefCell::new(None),
        }
    }

    pub(crate) fn must_end(&self) -> bool {
        self.handle.must_end.load(Ordering::Acquire)
    }

    pub(crate) fn may_claim(&self) -> bool {
        self.claiming.get() && self.worker.borrow().is_some()
    }

    /// Whether this worker's tasks are so short that its rings are gathered.
    pub(crate) fn coalesces(&self) -> bool {
        self.coalesces.get()
    }

    pub(crate) fn set_coalescing(&self, coalesces: bool) {
        let coalesces = coalesces && coalesce::is_watched();
        if self.coalesces.replace(coalesces) != coalesces {
            coalesce::coalesce_into(coalesces.then_some(&self.pending_ring));
        }
    }

    pub(crate) fn set_claiming(&self, claiming: bool) {
        self.claiming.set(claiming);
    }

    /// Settles what was run, if anything, and claims the next. After a task the thread may have to linger; then it is called without
    /// one once that is over.
    pub(crate) fn turn(&self, done: Option<(Arc<JsTask>, Outcome<JsWork>)>) -> Turn<JsWork> {
        let worker = self.worker.borrow();
        let Some(worker) = worker.as_ref() else { return Turn::Next(Next::Leave) };
        self.handle.pulse.answer();
        let is_ready = |needs: u32| self.loaded.of(needs) != Loaded::No;
        let turn = match done {
            Some((task, outcome)) => worker.turn_or_linger(Some((&task, outcome)), &is_ready),
            None => Turn::Next(worker.next(&is_ready)),
        };
        if let Turn::Next(Next::Prepare(function)) = turn {
            self.claiming.set(false);
            self.preparing.set(Some(function));
            self.handle.pulse.begin_load(function);
        }
        turn
    }

    /// Whether the pool has news for a worker that lingers.
    pub(crate) fn has_news(&self) -> bool {
        self.handle.entry.pool.has_news()
    }

    /// Whether this thread was called for something else than a task.
    pub(crate) fn is_called(&self) -> bool {
        self.must_end() || self.handle.has_aborts()
    }

    /// Settles what was run, without claiming.
    pub(crate) fn finish(&self, done: Option<(Arc<JsTask>, Outcome<JsWork>)>) {
        if let (Some((task, outcome)), Some(worker)) = (done, self.worker.borrow().as_ref()) {
            worker.finish(&task, outcome);
        }
    }

    /// The same, before the thread goes back to its event loop, and has that call the thread. If it is idle then, the pool calls it
    /// again when there is something to claim; if not it has to [come back](Self::come_back) by itself.
    pub(crate) fn finish_turn(&self, done: Option<(Arc<JsTask>, Outcome<JsWork>)>) {
        if self.finish_idle(done) {
            self.handle.bell.ring();
        } else {
            self.request_turn();
        }
    }

    /// Settles what was run. Whether the worker is idle by that; see `pool::Worker::finish_idle`.
    fn finish_idle(&self, done: Option<(Arc<JsTask>, Outcome<JsWork>)>) -> bool {
        let may_rest = !self.must_end() && self.may_claim();
        match (done, self.worker.borrow().as_ref()) {
            (Some((task, outcome)), Some(worker)) if may_rest => worker.finish_idle(&task, outcome),
            (done, _) => {
                self.finish(done);
                false
            }
        }
    }

    /// Has the event loop call this thread, which owes the pool a question for its next task. If something that an ended task
    /// has left behind keeps the loop from it, the watchdog sees that.
    pub(crate) fn request_turn(&self) {
        self.handle.wake();
    }

    /// A function has been loaded, or has failed to.
    pub(crate) fn prepared(&self, function: u32, is_async: bool) {
        self.preparing.set(None);
        self.handle.pulse.end_load();
        self.loaded.note(function, if is_async { Loaded::Async } else { Loaded::Sync });
        self.claiming.set(true);
    }

    /// Whether a task of this function can run on top of one that waits for it; loads the function if that takes
    /// no waiting.
    pub(crate) fn can_run_nested(&self, env: Env, function: u32) -> Result<bool, js::Fault> {
        if !self.may_claim() || functions::is_async(function) {
            return Ok(false);
        }
        if self.loaded.of(function) == Loaded::No {
            let prepare = js::deref(env, self.callbacks.prepare_now)?;
            let answer = js::call(env, prepare, &[js::double(env, f64::from(function))?])?;
            self.loaded.note(function, Loaded::from_answer(js::get_i32(env, answer)?));
        }
        Ok(self.loaded.of(function) == Loaded::Sync)
    }

    /// Claims a task that one of ours waits for.
    pub(crate) fn claim_task(&self, task: &Arc<JsTask>) -> Option<JsWork> {
        self.worker.borrow().as_ref().and_then(|worker| worker.claim_task(task))
    }

    /// Whether this is the first slice of a wait.
    pub(crate) fn is_first_wait_for(&self, task: &Arc<JsTask>) -> bool {
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
            self.handle.entry.pool.payload_ready(&task);
        }
    }

    pub(crate) fn begin(&self, task: &Arc<JsTask>) -> f64 {
        self.held.add(task)
    }

    /// The worker's hands are free of this task.
    pub(crate) fn end(&self, token: f64) -> Option<Arc<JsTask>> {
        self.held.remove(token)
    }

    pub(crate) fn await_promise(&self, token: f64) {
        if let Some(function) = self.held.get(token).map(|task| task.needs())
            && self.loaded.of(function) != Loaded::Async
        {
            self.loaded.note(function, Loaded::Async);
            functions::note_async(function);
        }
    }

    /// A pending promise has settled. Its task does so once the callback is over in which it happened.
    pub(crate) fn settle(&self, token: f64, outcome: Outcome<JsWork>) {
        if let Some(task) = self.end(token) {
            self.handle.note_ended(task, outcome);
            self.has_ended.set(true);
            if !self.turns.get() {
                self.request_turn();
            }
        }
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.has_ended.get()
    }

    /// The outcome of this task, if its promise has settled and it was not finished yet.
    pub(crate) fn take_ended(&self, task: &Arc<JsTask>) -> Option<Outcome<JsWork>> {
        if self.has_ended.get() { self.handle.take_ended(task) } else { None }
    }

    /// Finishes the tasks whose promise has settled: the callback is over.
    pub(crate) fn finish_ended(&self) {
        if self.has_ended.replace(false) {
            for done in self.handle.take_all_ended() {
                self.finish_idle(Some(done));
            }
        }
    }

    /// Whether the thread is in a turn of its own; see `slice`. At its end it looks at what has ended.
    pub(crate) fn set_turns(&self, turns: bool) {
        self.turns.set(turns);
    }

    /// The tokens of the tasks whose signal is to abort now.
    pub(crate) fn take_aborts(&self) -> Vec<f64> {
        self.held.tokens_of(&self.handle.take_aborts())
    }

    /// Leaves the pool if it is idle and not kept warm.
    pub(crate) fn leave_if_idle(&self) -> bool {
        self.worker.borrow().as_ref().is_none_or(Worker::leave_if_idle)
    }

    /// A stop has hit: puts right what it skipped, on the stack of the trampoline, and claims nothing until
    /// lib/worker has found the isolate healthy.
    pub(crate) fn recover(&self, env: Env, token: f64) {
        self.claiming.set(false);
        self.handle.is_recovering.store(true, Ordering::Relaxed);
        let unharmed = self.guard.is_unharmed();
        let called = js::deref(env, self.callbacks.recover).and_then(|recover| {
            js::call(env, recover, &[js::double(env, token)?, js::boolean(env, unharmed)?])
        });
        if called.is_err() {
            let _ = js::take_exception(env);
            replace(&self.handle);
        }
    }

    /// The isolate was found healthy after a stop.
    pub(crate) fn recovered(&self) {
        self.claiming.set(true);
        self.handle.is_recovering.store(false, Ordering::Relaxed);
    }

    /// Whether the isolate can still run JavaScript. Once it cannot, the worker claims nothing more.
    pub(crate) fn is_alive(&self, env: Env) -> bool {
        let called = self.call_nothing(env);
        if called.is_err() {
            self.claiming.set(false);
        }
        called.is_ok()
    }

    /// Calls into JavaScript to no effect: fails where none can run, or where the caller is to be stopped.
    pub(crate) fn call_nothing(&self, env: Env) -> Result<(), js::Fault> {
        let abort = js::deref(env, self.callbacks.abort)?;
        js::call(env, abort, &[js::double(env, 0.0)?]).map(drop)
    }

    pub(crate) fn note_exit(&self, code: i32) {
        self.exit_code.set(Some(code));
    }

    /// Whether an error was noted that ends the isolate, unless the user's code handles it, or that the isolate exits.
    pub(crate) fn is_ending(&self) -> bool {
        self.cause.borrow().is_some() || self.exit_code.get().is_some()
    }

    pub(crate) fn forget_cause(&self) {
        self.cause.borrow_mut().take();
    }

    pub(crate) fn note_cause(&self, cause: Packed) {
        self.cause.borrow_mut().get_or_insert(Arc::new(cause));
    }

    /// The isolate is ending: what it holds is lost.
    pub(crate) fn close(&self) {
        self.guard.close();
        let was_given_up = self.handle.note_gone();
        let cause = self.cause.borrow_mut().take();
        // Out of memory, or ended from outside: only the thread that started the worker will know why.
        let exit_code =
            self.exit_code.get().or_else(|| cause.is_none().then(|| unknown_exit(self.handle.number)));
        // One that was given up while it loaded has nothing to do with a task that has come since.
        if let Some(function) = self.preparing.take().filter(|_| !was_given_up) {
            let pool = &self.handle.entry.pool;
            pool.lose_first(Kind::Isolate, function, exit_code, cause.clone());
        }
        if let Some(worker) = self.worker.borrow_mut().take() {
            worker.detach(exit_code, cause);
        }
        // They are lost by now.
        drop(self.handle.take_all_ended());
        self.held.clear();
    }
}
