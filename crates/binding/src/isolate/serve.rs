//! Many tasks in one callback scope.
//!
//! A callback scope for each task costs as much as all else that a worker does for it. Where V8 keeps the
//! stores of AsyncLocalStorage in one frame for the isolate (Node 24 and later), a scope is not needed to
//! separate tasks: lib/worker/serve.ts is a loop in JavaScript, called once in a scope. It asks [`begin`] for
//! the next task, calls it, gives its result to [`end`], and has Node run ticks and microtasks, as Node does
//! between two timers. `end` leaves the guard first, so that no stop cuts off what runs there.
//!
//! All else is done as before, outside of the scope: the loop ends when the worker has anything to do but to
//! run a task, and when one was stopped or has left behind an uncaught error.

use std::sync::Arc;

use napi::sys;

use crate::isolate::header::scratch;
use crate::isolate::run;
use crate::isolate::slice::Slice;
use crate::isolate::state::IsolateState;
use crate::isolate::stint::Step;
use crate::js;
use crate::tasks::task::{JsTask, JsWork};
use crate::worker::worker::WorkerSide;

impl Slice {
    /// The next task is entered: its values, for `dispatch`. None if there is none for now.
    fn next(&mut self, state: &IsolateState) -> Option<sys::napi_value> {
        let mut step = match self.first.take() {
            Some((task, work)) => Step::Run(task, work),
            None if self.stint.side.ending.is_near() => return None,
            None => {
                self.close_last();
                self.stint.step()
            }
        };
        while let Step::Run(task, work) = step {
            if let Some(values) = self.enter(state, task, work) {
                return Some(values);
            }
            step = self.stint.step();
        }
        self.step = Some(step);
        None
    }

    /// Enters the task. None if it is not to be called, and perhaps done.
    fn enter(&mut self, state: &IsolateState, task: Arc<JsTask>, work: JsWork) -> Option<sys::napi_value> {
        let JsWork::Isolate(args) = work else { return None };
        let side = self.stint.side.clone();
        clear_frame(state, &side);
        let token = side.begin(&task);
        let outcome = match run::write_call(state, &task, token, &args) {
            Ok(values) if side.guard.enter(&task) => {
                self.running = Some((token, task));
                return Some(values);
            }
            Ok(_) => run::leave(state, &side, token, Ok(None), false).1,
            Err(fault) => run::refuse_values(state, &side, token, fault),
        };
        side.calling.set(self.outer);
        self.stint.done = outcome.map(|outcome| (task, outcome));
        None
    }

    /// The task in the guard has returned, or was cut off. False if a stop has hit it.
    fn leave(&mut self, state: &IsolateState, called: Result<Option<sys::napi_value>, js::Fault>) -> bool {
        let Some((token, task)) = self.running.take() else { return true };
        let side = self.stint.side.clone();
        let (was_hit, outcome) = run::leave(state, &side, token, called, true);
        match outcome {
            Some(outcome) => self.stint.done = Some((task, outcome)),
            None => self.pending = Some(task),
        }
        !was_hit
    }
}

/// From here on the code of the isolate sees no store of a task.
fn clear_frame(state: &IsolateState, side: &WorkerSide) {
    if let Some(serve) = &side.callbacks.serve {
        serve.frame.clear(state.env);
    }
}

/// Runs `body` on the slice under way. It is taken out meanwhile: JavaScript may run.
fn with_slice<R>(state: &IsolateState, body: impl FnOnce(&mut Slice) -> R) -> Option<R> {
    let mut slice = state.slice.borrow_mut().take()?;
    let result = body(&mut slice);
    *state.slice.borrow_mut() = Some(slice);
    Some(result)
}

/// `beginTask()`: the next task's values, for `dispatch`; the rest is in `scratch`.
pub(crate) fn begin(state: &IsolateState) -> Option<sys::napi_value> {
    let values = with_slice(state, |slice| slice.next(state)).flatten();
    if values.is_none() {
        state.header.set_scratch(scratch::TASK_FUNCTION, -1.0);
    }
    values
}

/// `endTask(result)`: what `dispatch` has returned, if not `undefined`; its form is in `scratch`.
pub(crate) fn end(state: &IsolateState, result: Option<sys::napi_value>) {
    let goes_on = with_slice(state, |slice| {
        let goes_on = slice.leave(state, Ok(result));
        clear_frame(state, &slice.stint.side);
        goes_on
    });
    if goes_on != Some(true) {
        state.header.set_scratch(scratch::TASK_FUNCTION, -1.0);
    }
}

/// Calls the loop; on the stack of the trampoline.
pub(crate) fn serve(state: &IsolateState) {
    let env = state.env;
    let side = state.slice.borrow().as_ref().map(|slice| slice.stint.side.clone());
    let Some(side) = side else { return };
    let Some(serve) = &side.callbacks.serve else { return };
    let called = js::deref(env, serve.function).and_then(|serve| js::call(env, serve, &[])).map(Some);
    let is_running = state.slice.borrow().as_ref().is_some_and(|slice| slice.running.is_some());
    if is_running {
        with_slice(state, |slice| slice.leave(state, called));
    } else if called.is_err()
        && let Some(error) = js::take_exception(env)
        && !side.takes_back(env, error)
    {
        // What a tick has thrown.
        // SAFETY: a live value of this isolate; Node treats it as an uncaught exception.
        unsafe { sys::napi_fatal_exception(env, error) };
    }
}
