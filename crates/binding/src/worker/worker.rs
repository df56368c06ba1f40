//! The side of a worker that its own thread sees: its hold on the pool, and what it claims, holds and
//! settles.
//!
//! Used on the worker's thread only, but for `handle` and `guard`, which it shares with every other thread.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use pool::{Kind, Linger, Next, Outcome, Turn, Worker, WorkerLink};

use crate::doorbell::bell::Bell;
use crate::doorbell::coalesce::Coalescer;
use crate::js::{self, Env};
use crate::supervision::guard::Guard;
use crate::supervision::pulse::Pulse;
use crate::supervision::watchdog;
use crate::supervision::worker_handle::WorkerHandle;
use crate::tasks::functions;
use crate::tasks::pools::PoolEntry;
use crate::tasks::task::{JsTask, JsWork, note_begun};
use crate::worker::callbacks::WorkerCallbacks;
use crate::worker::ending::Ending;
use crate::worker::held_tasks::HeldTasks;
use crate::worker::loaded_functions::{Loaded, LoadedFunctions};

pub(crate) struct WorkerSide {
    /// The pool's; none once the worker has left.
    pub(super) worker: RefCell<Option<Worker<JsWork>>>,
    pub(crate) handle: Arc<WorkerHandle>,
    pub(crate) guard: Arc<Guard>,
    pub(crate) callbacks: WorkerCallbacks,
    pub(crate) loaded: LoadedFunctions,
    pub(crate) held: HeldTasks,
    /// Whether it may claim: not while the worker prepares a function or recovers from a stop.
    pub(super) claiming: Cell<bool>,
    /// On while its tasks are short.
    pub(crate) rings: Coalescer,
    pub(crate) linger: Linger,
    /// Whether the thread is in a turn of its own loop; see `isolate::turn`.
    pub(super) in_turn: Cell<bool>,
    /// Whether promises of tasks have settled since the last look.
    has_ended: Cell<bool>,
    /// The pool and the number of the task that this thread was last blocked for.
    pub(super) waited_for: Cell<(u32, u64)>,
    /// The function that is being loaded.
    pub(super) preparing: Cell<Option<u32>>,
    /// The functions of modules that were loaded since the last task began. What a module has left behind may
    /// end the worker.
    pub(super) untried: RefCell<Vec<u32>>,
    /// The token of the task whose call is under way, with the ticks that follow it, or 0.
    pub(crate) calling: Cell<f64>,
    /// Tasks whose port values are on their way back to the owner.
    pub(super) returned: RefCell<Vec<Arc<JsTask>>>,
    pub(crate) ending: Ending,
    /// Streams that are to go on, before new tasks.
    pub(super) due: RefCell<VecDeque<Arc<JsTask>>>,
    /// When the stream that runs has yielded last, if it has since it goes on.
    pub(super) yielded: Cell<Option<Instant>>,
    /// Whether values follow each other fast.
    pub(super) yields_fast: Cell<bool>,
}

impl WorkerSide {
    /// Makes the calling thread's isolate worker `number` of a pool, which has asked for it as its worker
    /// number `start`. Node knows the thread as `thread_id`.
    pub(crate) fn attach(
        entry: Arc<PoolEntry>,
        number: u32,
        bell: Arc<Bell>,
        guard: Guard,
        callbacks: WorkerCallbacks,
        start: Option<u64>,
        thread_id: u32,
    ) -> Self {
        let guard = Arc::new(guard);
        let pulse = Pulse::new(watchdog::wake);
        let handle = WorkerHandle::new(bell, guard.clone(), entry.clone(), number, thread_id, pulse);
        let worker = entry.pool.attach_as(Kind::Isolate, handle.clone(), start);
        *handle.id.lock() = Some(worker.id());
        WorkerSide {
            worker: RefCell::new(Some(worker)),
            handle,
            guard,
            callbacks,
            loaded: LoadedFunctions::default(),
            held: HeldTasks::default(),
            claiming: Cell::new(true),
            rings: Coalescer::new(),
            linger: Linger::default(),
            in_turn: Cell::new(false),
            has_ended: Cell::new(false),
            waited_for: Cell::default(),
            preparing: Cell::new(None),
            untried: RefCell::default(),
            calling: Cell::new(0.0),
            returned: RefCell::default(),
            ending: Ending::default(),
            due: RefCell::default(),
            yielded: Cell::default(),
            yields_fast: Cell::default(),
        }
    }

    /// Whether the worker was given up.
    pub(crate) fn must_end(&self) -> bool {
        self.handle.must_end.load(Ordering::Acquire)
    }

    pub(crate) fn may_claim(&self) -> bool {
        self.claiming.get() && self.worker.borrow().is_some()
    }

    pub(crate) fn set_claiming(&self, claiming: bool) {
        self.claiming.set(claiming);
    }

    /// Settles what was run, if anything, and claims the next. After a task the thread may have to linger;
    /// then this is called without one once that is over.
    pub(crate) fn turn(&self, done: Option<(Arc<JsTask>, Outcome<JsWork>)>) -> Turn<JsWork> {
        let worker = self.worker.borrow();
        let Some(worker) = worker.as_ref() else { return Turn::Next(Next::Leave) };
        self.handle.pulse.answer();
        let is_ready = |needs: u32| self.loaded.of(needs) != Loaded::No;
        let turn = match done {
            Some((task, outcome)) => worker.turn_or_linger(Some((&task, outcome)), &is_ready),
            None => Turn::Next(worker.next(&is_ready)),
        };
        match turn {
            Turn::Next(Next::Run(ref task, _)) => {
                note_begun(task);
                self.untried.borrow_mut().clear();
            }
            Turn::Next(Next::Prepare(function)) => {
                self.claiming.set(false);
                self.preparing.set(Some(function));
                self.handle.pulse.begin_load(function);
            }
            _ => {}
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

    /// The same, before the thread goes back to its event loop; rings, so that the loop calls the thread
    /// again. An idle worker is woken by the pool when there is something to claim; one that is not idle
    /// has to [ask for its turn](Self::request_turn) itself.
    pub(crate) fn finish_turn(&self, done: Option<(Arc<JsTask>, Outcome<JsWork>)>) {
        if self.finish_idle(done) {
            self.handle.bell.ring();
        } else {
            self.request_turn();
        }
    }

    /// Settles what was run. Whether that has made the worker idle; see `pool::Worker::finish_idle`.
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

    /// Has the event loop call this thread, which has to ask the pool for its next task. The call counts as
    /// outstanding until then: if something that an ended task has left behind keeps the loop, the watchdog
    /// sees it.
    pub(crate) fn request_turn(&self) {
        self.handle.wake();
    }

    /// Whether a task of this function can run on top of one that waits for it; loads the function if that
    /// takes no waiting.
    pub(crate) fn can_run_nested(&self, env: Env, function: u32) -> Result<bool, js::Fault> {
        if !self.may_claim() || functions::is_async(function) {
            return Ok(false);
        }
        if self.loaded.of(function) == Loaded::No {
            let answer = self.callbacks.prepare_now(env, function)?;
            self.loaded.note(function, Loaded::from_number(answer).unwrap_or_default());
        }
        Ok(self.loaded.of(function) == Loaded::Sync)
    }

    /// Claims a task that one of ours waits for.
    pub(crate) fn claim_task(&self, task: &Arc<JsTask>) -> Option<JsWork> {
        self.worker.borrow().as_ref().and_then(|worker| worker.claim_task(task))
    }

    /// What only this worker may run, and has not begun.
    pub(crate) fn pinned(&self) -> Vec<Arc<JsTask>> {
        self.worker.borrow().as_ref().map(|worker| worker.pool().pinned_to(worker.id())).unwrap_or_default()
    }

    /// A task begins: its token.
    pub(crate) fn begin(&self, task: &Arc<JsTask>) -> f64 {
        let token = self.held.add(task);
        self.untried.borrow_mut().clear();
        self.calling.set(token);
        token
    }

    /// The worker does not hold this task any more.
    pub(crate) fn end(&self, token: f64) -> Option<Arc<JsTask>> {
        self.held.remove(token)
    }

    /// The task has returned a promise.
    pub(crate) fn await_promise(&self, token: f64) {
        if let Some(function) = self.held.get(token).map(|task| task.needs())
            && self.loaded.of(function) != Loaded::Async
        {
            self.loaded.note(function, Loaded::Async);
            functions::note_async(function);
        }
    }

    /// A pending promise has settled. Its task does so once the callback is over in which that happened.
    pub(crate) fn settle(&self, token: f64, outcome: Outcome<JsWork>) {
        if let Some(task) = self.end(token) {
            self.handle.note_ended(token, task, outcome);
            self.has_ended.set(true);
            if !self.in_turn.get() {
                self.request_turn();
            }
        }
    }

    /// Whether there are tasks whose promise has settled and that were not finished yet.
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

    /// The thread begins a turn of its own loop, or ends it. At the end it looks at what has ended.
    pub(crate) fn set_in_turn(&self, in_turn: bool) {
        self.in_turn.set(in_turn);
    }

    /// The tokens of the tasks whose signal is to abort now.
    pub(crate) fn take_aborts(&self) -> Vec<f64> {
        self.held.tokens_of(&self.handle.take_aborts())
    }

    /// Leaves the pool if it is idle and not kept warm.
    pub(crate) fn leave_if_idle(&self) -> bool {
        self.worker.borrow().as_ref().is_none_or(Worker::leave_if_idle)
    }

    /// Whether it has nothing to do.
    pub(crate) fn is_idle(&self) -> bool {
        self.worker.borrow().as_ref().is_some_and(Worker::is_idle)
    }

    /// The isolate is ending: what it holds is lost.
    pub(crate) fn close(&self) {
        self.guard.close();
        let was_given_up = self.handle.note_gone();
        let (exit, cause) = self.ending.take(self.handle.number);
        // If it was given up, it was told to end.
        let blame = if was_given_up { None } else { self.blame() };
        match (self.worker.borrow_mut().take(), blame) {
            (Some(worker), Some(blame)) => worker.detach_blaming(&blame, exit, cause),
            (Some(worker), None) => worker.detach(exit, cause),
            (None, _) => {}
        }
        // `detach` has failed them as lost.
        drop(self.handle.take_all_ended());
        self.held.clear();
    }
}
