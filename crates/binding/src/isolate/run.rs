//! One JavaScript task: from the claim to its outcome, inside the guard, where a stop may hit it.

use std::sync::Arc;

use napi::sys;
use pool::{Failure, Outcome};

use crate::isolate::header::scratch;
use crate::isolate::state::IsolateState;
use crate::js::{self, shared_numbers};
use crate::tasks::port_value::PortValue;
use crate::tasks::task::{JsTask, JsWork};
use crate::values::failure;
use crate::values::port::PortRef;
use crate::values::reading;
use crate::values::shared_use::SharedPlace;
use crate::values::text::Text;
use crate::values::value::{self, Args, FORM_AS_IS, FORM_PENDING, FORM_THREW, Packed, Value};
use crate::values::writing;
use crate::worker::worker::WorkerSide;

shared_numbers! {
    /// What the form that `dispatch` is given says beside the form.
    pub(crate) DISPATCH = "DISPATCH": i32 {
        /// The first of the values is the name that the task was given.
        NAMED = 1 << 8,
    }
}

/// Runs the task on the stack of the trampoline. `None` if there is no outcome now: its promise is pending,
/// or it was stopped.
pub(crate) fn run(
    state: &IsolateState,
    side: &WorkerSide,
    task: &Arc<JsTask>,
    args: &Args,
) -> Option<Outcome<JsWork>> {
    let env = state.env;
    let token = side.begin(task);
    let values = match write_call(state, task, token, args) {
        Ok(values) => values,
        Err(fault) => return refuse_values(state, side, token, fault),
    };
    let entered = side.guard.enter(task);
    let called = if entered {
        let dispatch = js::deref(env, side.callbacks.dispatch);
        dispatch.and_then(|dispatch| js::call(env, dispatch, &[values])).map(Some)
    } else {
        Ok(None)
    };
    leave(state, side, token, called, entered).1
}

/// Puts into the header which task `dispatch` is to call, and gives its values: one as it is; several, or
/// those after a name, in an array.
pub(crate) fn write_call(
    state: &IsolateState,
    task: &JsTask,
    token: f64,
    args: &Args,
) -> Result<sys::napi_value, js::Fault> {
    let env = state.env;
    let values = args.values.as_slice();
    let (form, first) = match values.first() {
        Some(first) => {
            let (form, first) = writing::write_form(env, args.form, first)?;
            (form, Some(first))
        }
        None => (args.form, None),
    };
    let name = task.owner().name.as_ref();
    let given = match first {
        first if name.is_some() || values.len() > 1 => write_values(state, name, first, values)?,
        Some(first) => first,
        None => js::undefined(env)?,
    };
    // Last: to make a shared value runs JavaScript of ours, which may use the header.
    let header = &state.header;
    header.set_scratch(scratch::TASK_FUNCTION, f64::from(task.needs()));
    header.set_scratch(scratch::TASK_TOKEN, token);
    let form = i32::from(form) | if name.is_some() { NAMED } else { 0 };
    header.set_scratch(scratch::TASK_FORM, f64::from(form));
    header.set_scratch(scratch::TASK_VALUES, values.len() as f64);
    Ok(given)
}

/// The name of a task, if it was given one, and its values, of which the first was written; a shared one
/// after its place.
fn write_values(
    state: &IsolateState,
    name: Option<&Text>,
    first: Option<sys::napi_value>,
    values: &[Value],
) -> Result<sys::napi_value, js::Fault> {
    let env = state.env;
    let list = js::array(env)?;
    let mut count = 0;
    let mut push = |value: sys::napi_value| {
        count += 1;
        js::set_element(env, list, count - 1, value)
    };
    if let Some(name) = name {
        push(name.write(env)?)?;
    }
    if let Some(first) = first {
        push(first)?;
    }
    for value in values.iter().skip(1) {
        if let Value::Shared(SharedPlace { place, value }) = value {
            push(js::double(env, f64::from(*place))?)?;
            push(state.shareds.value_of(env, &state.mailbox, &**value)?)?;
        } else {
            push(writing::write_ref(env, value)?)?;
        }
    }
    Ok(list)
}

/// The values of a task that is not in the guard cannot be made: its outcome.
pub(crate) fn refuse_values(
    state: &IsolateState,
    side: &WorkerSide,
    token: f64,
    fault: js::Fault,
) -> Option<Outcome<JsWork>> {
    let error = failure::unmade(state.env, fault, "the arguments");
    if !side.is_alive(state.env) {
        return None;
    }
    side.end(token);
    Some(Err(Failure::Threw(error)))
}

/// Leaves the guard, after the task was called if it was to be called (`entered`). Whether a stop has hit it,
/// and its outcome, if there is one now. `called` is what it has returned, if not `undefined`.
pub(crate) fn leave(
    state: &IsolateState,
    side: &WorkerSide,
    token: f64,
    called: Result<Option<sys::napi_value>, js::Fault>,
    entered: bool,
) -> (bool, Option<Outcome<JsWork>>) {
    let env = state.env;
    let hit = side.guard.exit();
    if hit || !entered {
        // The stop may have come when there was nothing left to cut off: then the task goes on once its
        // promise settles, and the worker still holds it, so that the stopper finds it.
        let goes_on = called.is_ok() && entered && state.header.scratch(scratch::FORM) as u8 == FORM_PENDING;
        let _ = js::take_exception(env);
        if goes_on {
            side.await_promise(token);
        } else {
            side.end(token);
        }
        if hit {
            // What it has left for the ticks that follow is that of a task which has ended.
            side.calling.set(0.0);
            side.recover(env, token);
        }
        return (hit, if goes_on { None } else { Some(Err(Failure::Cancelled)) });
    }
    let outcome = match called {
        Ok(result) => read_result(state, side, token, result),
        Err(_) => {
            let error = js::take_exception(env);
            if !side.is_alive(env) {
                // The isolate is ending, as after `process.exit()`: its cleanup says how the task was lost.
                return (false, None);
            }
            Some(Err(uncaught(state, side, error)))
        }
    };
    if outcome.is_some() {
        side.end(token);
    }
    (false, outcome)
}

fn read_result(
    state: &IsolateState,
    side: &WorkerSide,
    token: f64,
    result: Option<sys::napi_value>,
) -> Option<Outcome<JsWork>> {
    let form = state.header.scratch(scratch::FORM) as u8;
    match result {
        _ if form == FORM_PENDING => {
            side.await_promise(token);
            None
        }
        None if form == FORM_AS_IS => Some(Ok(Packed { form, value: Value::Undefined })),
        None => Some(match js::undefined(state.env) {
            Ok(undefined) => read_outcome(state, form, undefined),
            Err(fault) => Err(Failure::Threw(failure::unmade(state.env, fault, "the result"))),
        }),
        Some(result) => Some(read_outcome(state, form, result)),
    }
}

/// A value that a task sends; also one that a port carries beside the addon.
pub(crate) fn read_value(state: &IsolateState, form: u8, value: sys::napi_value) -> Result<Value, js::Fault> {
    if !value::is_on_port(form) {
        return reading::read_packed(state.env, &state.written, form, value, true);
    }
    let side = state.worker.borrow().clone();
    let side = side.ok_or_else(|| js::Fault::internal("only a worker sends values by a port"))?;
    let number = js::get_double(state.env, value)?;
    let entry = &side.handle.entry;
    Ok(Value::Port(PortRef(PortValue::of_result(number, entry.id, entry.owner.clone()))))
}

/// A result or an error that TypeScript has packed.
pub(crate) fn read_outcome(state: &IsolateState, form: u8, result: sys::napi_value) -> Outcome<JsWork> {
    match read_value(state, form, result) {
        Ok(value) if form & FORM_THREW != 0 => {
            Err(Failure::Threw(Arc::new(Packed { form: form & !FORM_THREW, value })))
        }
        Ok(value) => Ok(Packed { form, value }),
        Err(fault) => Err(Failure::Threw(failure::unmade(state.env, fault, "the result"))),
    }
}

/// `dispatch` catches what a task throws; what comes past it is, for instance, a stack overflow in its
/// `catch`.
fn uncaught(state: &IsolateState, side: &WorkerSide, error: Option<sys::napi_value>) -> Failure<JsWork> {
    let env = state.env;
    let packed = error.and_then(|error| {
        let pack = js::deref(env, side.callbacks.pack_error).ok()?;
        let result = js::call(env, pack, &[error]).ok()?;
        let form = state.header.scratch(scratch::FORM) as u8 & !FORM_THREW;
        let value = read_value(state, form, result).ok()?;
        Some(Arc::new(Packed { form, value }))
    });
    let _ = js::take_exception(env);
    Failure::Threw(
        packed.unwrap_or_else(|| {
            failure::failure("Error", "", "the task failed, and so did reading its error")
        }),
    )
}
