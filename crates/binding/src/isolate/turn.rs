//! What an isolate's thread does in a turn of its event loop, when its bell has rung: deliver completions,
//! and, in a worker, claim and run tasks for some milliseconds without going back to the loop for each.
//!
//! The callback comes from libuv with no JavaScript below it and no context entered. `napi_make_callback`
//! enters the context, and at this depth it drains microtasks and ticks when it returns. So every piece of
//! work is one such call of our own native function, the *trampoline*, which finds in the state's errand
//! what to do. It returns a fresh object, the receiver of the next call: Node takes the receiver as the
//! async resource, so each call starts with an async context of its own in which no other task ever ran.
//!
//! A task is one such call, or many of them share one, where that keeps their contexts apart as well; see
//! `serve`.

use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::rc::Rc;
use std::sync::Arc;

use napi::sys;
use pool::Outcome;

use crate::engine::uv::{self, UvAsync, UvIdle};
use crate::isolate::callback::call_with;
use crate::isolate::deliver;
use crate::isolate::errand::Errand;
use crate::isolate::run;
use crate::isolate::serve;
use crate::isolate::slice::Slice;
use crate::isolate::state::{Entries, IsolateState};
use crate::isolate::stint::{Step, Stint};
use crate::isolate::stretch;
use crate::js::{self, Env};
use crate::process::message::to_parent;
use crate::process::parent;
use crate::tasks::task::{JsTask, JsWork};
use crate::values::value::{Args, Value};
use crate::worker::worker::WorkerSide;

/// By these the event loop and Node call this module.
pub(crate) const ENTRIES: Entries = Entries { trampoline, on_bell, on_idle };

unsafe extern "C" fn on_bell(handle: *mut UvAsync) {
    // SAFETY: libuv calls with the handle that `open_bell` made; its data lives until the handle is closed.
    let state = unsafe { &*uv::handle_data(handle).cast::<IsolateState>() };
    // A panic must not cross into C. It would be a bug of ours; the futures concerned settle when the
    // worker ends.
    let _ = catch_unwind(AssertUnwindSafe(|| js::scoped(state.env, || take_turn(state))));
}

unsafe extern "C" fn on_idle(handle: *mut UvIdle) {
    // SAFETY: libuv calls with the handle that `open_bell` made; its data lives until the handle is closed.
    let state = unsafe { &*uv::handle_data(handle).cast::<IsolateState>() };
    // A panic must not cross into C; see `on_bell`.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        if state.busy_poll.look(&state.bell, state.waits_for_one(), || state.mailbox.has_rung()) {
            js::scoped(state.env, || take_turn(state));
        }
    }));
}

/// One turn of the loop.
fn take_turn(state: &IsolateState) {
    state.busy_poll.note_arrival();
    let Ok(anchor) = js::deref(state.env, state.callbacks.anchor) else { return };
    let mut turn = LoopTurn { state, receiver: anchor, anchor };
    let side = state.worker.borrow().clone();
    match side {
        None => {
            let has_more = || !state.pending.borrow().is_empty() || state.mailbox.has_rung();
            state.delivery_pace.deliver_for_a_turn(|| turn.deliver(), has_more);
        }
        Some(side) => {
            side.handle.pulse.note_turn();
            side.set_in_turn(true);
            // The event loop of an isolate that is ending turns once more: then nothing is delivered or
            // claimed.
            if turn.finish_ended(&side) {
                turn.deliver();
            }
            if turn.finish_ended(&side) {
                turn.serve(&side);
            }
            side.set_in_turn(false);
            if side.has_ended() && turn.finish_ended(&side) {
                side.request_turn();
            }
        }
    }
    if !state.pending.borrow().is_empty() {
        state.bell.ring_loop();
    }
    state.note_wait();
}

/// One turn under way.
struct LoopTurn<'a> {
    state: &'a IsolateState,
    /// The receiver of the next call; see the module's text.
    receiver: sys::napi_value,
    anchor: sys::napi_value,
}

impl LoopTurn<'_> {
    /// Runs the errand in a callback scope. False if it did not return, as where JavaScript cannot run any
    /// more.
    fn call_out(&mut self, errand: Errand) -> bool {
        let env = self.state.env;
        *self.state.errand.borrow_mut() = errand;
        let Ok(trampoline) = js::deref(env, self.state.callbacks.trampoline) else { return false };
        let mut result = ptr::null_mut();
        // SAFETY: live handles of this isolate; a null async context makes the receiver the async resource.
        let status = unsafe {
            sys::napi_make_callback(
                env,
                ptr::null_mut(),
                self.receiver,
                trampoline,
                0,
                ptr::null(),
                &mut result,
            )
        };
        self.receiver = self.anchor;
        if status == sys::Status::napi_ok
            && matches!(js::type_of(env, result), Ok(sys::ValueType::napi_object))
        {
            self.receiver = result;
            return true;
        }
        if let Some(error) = js::take_exception(env)
            && !self.state.worker.borrow().as_ref().is_some_and(|side| side.takes_back(env, error))
        {
            // SAFETY: a live value; Node treats it as an uncaught exception.
            unsafe { sys::napi_fatal_exception(env, error) };
        }
        false
    }

    /// Delivers one batch of completions.
    fn deliver(&mut self) {
        deliver::collect_notes(self.state);
        if !self.state.pending.borrow().is_empty() {
            self.call_out(Errand::Deliver);
        }
    }

    fn call(&mut self, function: sys::napi_ref, args: Vec<Value>) {
        self.call_out(Errand::Call { function, args });
    }

    /// Claims and runs tasks until there are none, the turn is over, or the worker must do something else.
    fn serve(&mut self, side: &Rc<WorkerSide>) {
        for token in side.take_aborts() {
            self.call(side.callbacks.abort, vec![Value::Number(token)]);
        }
        if side.must_end() {
            if let Some(parent) = parent::of_local(&side.handle.entry) {
                // It is to know that this one was given up.
                parent.flush();
            }
            self.call(side.callbacks.leave, vec![Value::Bool(true)]);
            return;
        }
        if !side.may_claim() {
            return;
        }
        self.state.bell.enter();
        self.work(side);
        side.rings.set(false);
    }

    fn begin_stint(&self, side: &Rc<WorkerSide>) -> Stint {
        Stint::new(side.clone(), self.state.mailbox.clone(), self.state.bell.clone())
    }

    fn work(&mut self, side: &Rc<WorkerSide>) {
        let bell = self.state.bell.clone();
        let mut stint = self.begin_stint(side);
        let mut next = None;
        loop {
            match next.take().unwrap_or_else(|| stint.step()) {
                Step::Run(task, work) if side.callbacks.serve.is_some() => {
                    (stint, next) = self.run_many(stint, task, work);
                }
                Step::Run(task, work) => {
                    stint.done = self.run_one(side, &task, Errand::run(side, &task, work));
                }
                Step::Stretch(task) => {
                    stint.done = self.run_one(side, &task, Errand::stretch(side, &task));
                }
                Step::Deliver => {
                    side.finish(stint.done.take());
                    // The user's code in it may not end: then the watchdog sees that this call was not
                    // answered.
                    side.handle.pulse.call();
                    self.deliver();
                    next = Some(stint.claim());
                }
                Step::Over => {
                    side.finish_turn(stint.done.take());
                    bell.leave_now();
                    return;
                }
                Step::Prepare(function) => {
                    bell.leave_now();
                    self.call(side.callbacks.prepare, vec![Value::Number(f64::from(function))]);
                    return;
                }
                Step::Rest => {
                    stint.rest();
                    // A ring whose token the lingering thread took may have been for something else than a
                    // task.
                    if !self.state.mailbox.has_rung() && bell.leave() {
                        if side.is_called() {
                            bell.ring_loop();
                        }
                        return;
                    }
                }
                Step::Leave => {
                    bell.leave_now();
                    self.call(side.callbacks.leave, vec![Value::Bool(false)]);
                    return;
                }
            }
        }
    }

    /// Runs this task and those that follow in one callback scope. What is to be done then, if that was seen.
    fn run_many(&mut self, stint: Stint, task: Arc<JsTask>, work: JsWork) -> (Stint, Option<Step>) {
        let side = stint.side.clone();
        *self.state.slice.borrow_mut() = Some(Box::new(Slice::new(stint, task, work)));
        self.call_out(Errand::Serve);
        let slice = self.state.slice.borrow_mut().take();
        let Some(mut slice) = slice else { return (self.begin_stint(&side), None) };
        if self.outlives_causes(&side) {
            slice.close_last();
        } else {
            // It is lost with the worker.
            slice.stint.done = None;
        }
        let Slice { stint, step, .. } = *slice;
        (stint, step)
    }

    /// Runs a task, or a stretch of a stream, as the errand says. `None` without an outcome: its promise
    /// is pending, or the isolate is ending.
    fn run_one(
        &mut self,
        side: &Rc<WorkerSide>,
        task: &Arc<JsTask>,
        errand: Errand,
    ) -> Option<(Arc<JsTask>, Outcome<JsWork>)> {
        if std::ptr::eq(self.receiver, self.anchor) {
            // Gets a fresh receiver: a store that a task leaves on the anchor would be seen by every later
            // task that runs on it.
            self.call_out(Errand::Nothing);
        }
        let outer = side.calling.get();
        self.call_out(errand);
        let result = std::mem::take(&mut *self.state.errand.borrow_mut());
        if !self.outlives_causes(side) {
            return None;
        }
        let outcome = match result {
            Errand::Ran(Some(outcome)) => Some(outcome),
            _ => side.take_ended(task),
        };
        side.calling.set(outer);
        side.finish_ended();
        outcome.map(|outcome| (task.clone(), outcome))
    }

    /// Settles the tasks whose promise has settled in the last callback. False if the isolate ends by what
    /// that callback has left behind.
    fn finish_ended(&mut self, side: &Rc<WorkerSide>) -> bool {
        let lives_on = self.outlives_causes(side);
        if lives_on {
            side.finish_ended();
        }
        lives_on
    }

    /// Whether the isolate lives on after what the last callback has left behind, a rejection for instance.
    /// If not, the tasks that the worker holds are lost with it, that callback's among them, and no other
    /// ones.
    fn outlives_causes(&mut self, side: &Rc<WorkerSide>) -> bool {
        if side.ending.is_near() {
            while !self.call_out(Errand::Nothing) {
                if side.must_end() || !side.is_alive(self.state.env) {
                    side.set_claiming(false);
                    return false;
                }
                // One more error was left behind.
            }
            // A listener of the user's has handled it.
            side.ending.forget_cause();
            if let Some(parent) = parent::of_local(&side.handle.entry) {
                parent.tell(to_parent::HANDLED, |_| {});
            }
        }
        true
    }
}

/// Runs a task on top of one that blocks for it, in a callback scope of its own: a stop there leaves the
/// async context of the waiter alone. Microtasks and ticks do not run: the scope is not the outermost.
pub(crate) fn run_nested(
    state: &IsolateState,
    side: &Rc<WorkerSide>,
    task: &Arc<JsTask>,
    args: Args,
) -> Option<Outcome<JsWork>> {
    let receiver = js::object(state.env).ok()?;
    let mut turn = LoopTurn { state, receiver, anchor: receiver };
    turn.run_one(side, task, Errand::run(side, task, JsWork::Isolate(args))).map(|(_, outcome)| outcome)
}

/// The native function behind every call of this module.
unsafe extern "C" fn trampoline(env: Env, info: sys::napi_callback_info) -> sys::napi_value {
    let mut data: *mut c_void = ptr::null_mut();
    // SAFETY: the function was made with the isolate's state as its data.
    let state = unsafe {
        sys::napi_get_cb_info(env, info, ptr::null_mut(), ptr::null_mut(), ptr::null_mut(), &mut data);
        &*data.cast::<IsolateState>()
    };
    let errand = std::mem::take(&mut *state.errand.borrow_mut());
    let done = catch_unwind(AssertUnwindSafe(|| match errand {
        Errand::Deliver => deliver::deliver(state),
        Errand::Run { side, task, args } => {
            let outcome = run::run(state, &side, &task, &args);
            *state.errand.borrow_mut() = Errand::Ran(outcome);
        }
        Errand::Stretch { side, task } => {
            let outcome = stretch::run(state, &side, &task);
            *state.errand.borrow_mut() = Errand::Ran(outcome);
        }
        Errand::Serve => serve::serve(state),
        Errand::Call { function, args } => call_with(state, function, &args),
        Errand::Nothing | Errand::Ran(_) => {}
    }));
    match done {
        Ok(()) => js::object(env).unwrap_or(ptr::null_mut()),
        Err(_) => ptr::null_mut(),
    }
}
