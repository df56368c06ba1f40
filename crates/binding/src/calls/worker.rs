//! What lib/worker calls.

use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use napi::sys;

use crate::calls::call::{Answer, Call, id_value, nothing};
use crate::calls::pool::read_cause;
use crate::engine::v8;
use crate::isolate::run;
use crate::isolate::serve;
use crate::js::{self, Fault};
use crate::process::message::to_parent;
use crate::process::parent;
use crate::supervision::replace::replace;
use crate::tasks::pool_event::PoolEvent;
use crate::tasks::task::{self, Destination, JsTask};
use crate::values::reading;
use crate::values::text::Text;
use crate::values::value::Packed;
use crate::values::writing;
use crate::worker::ending::Origin;
use crate::worker::worker::WorkerSide;

pub(super) fn side(call: &Call<'_>) -> Result<Rc<WorkerSide>, Fault> {
    call.state.worker.borrow().clone().ok_or_else(|| Fault::internal("this thread is no worker of a pool"))
}

/// `beginTask()`: the next task is begun: its values, for `dispatch`. Which it is, is in `scratch`; a
/// negative function: there is none, or something else comes first.
pub(crate) fn begin_task(call: &Call<'_>) -> Answer {
    serve::begin(call.state).map_or_else(|| nothing(call), Ok)
}

/// `endTask(result)`: what `dispatch` has returned for it; nothing for `undefined`. A negative function is
/// in `scratch` if `serve` has to return.
pub(crate) fn end_task(call: &Call<'_>) -> Answer {
    serve::end(call.state, call.args().first().copied());
    nothing(call)
}

/// `settle(token, form, value)`: a task's promise has settled.
pub(crate) fn settle(call: &Call<'_>) -> Answer {
    let form = call.u32(1)? as u8;
    let outcome = run::read_outcome(call.state, form, call.value(2)?);
    side(call)?.settle(call.f64(0)?, outcome);
    nothing(call)
}

/// `suspend(token)`: a task begins to wait without blocking: the worker gives up its place, and may take
/// another task.
pub(crate) fn suspend(call: &Call<'_>) -> Answer {
    let side = side(call)?;
    note_waits(&side, call.f64(0)?, true);
    side.suspend(false);
    if let Some(parent) = parent::of_local(&side.handle.entry) {
        parent.tell(to_parent::SUSPEND, |_| {});
    }
    call.state.bell.ring();
    nothing(call)
}

/// `quit()`: this worker ends, and claims nothing more. Whether port values are on their way to it.
pub(crate) fn quit(call: &Call<'_>) -> Answer {
    js::boolean(call.env, side(call)?.quit())
}

/// `giveBack(isEnding)`: the numbers of the port values that were sent to this worker for tasks that it will
/// not claim soon, because it blocks, or ends; undefined for none. `gaveBack` must follow.
pub(crate) fn give_back(call: &Call<'_>) -> Answer {
    let tasks = side(call)?.give_back(call.bool(0)?);
    if tasks.is_empty() {
        return nothing(call);
    }
    let list = js::array(call.env)?;
    for (index, task) in tasks.iter().enumerate() {
        let number = task.owner().port_value.as_ref().map_or(0.0, |port_value| {
            port_value.send_to(0);
            port_value.number()
        });
        js::set_element(call.env, list, index as u32, js::double(call.env, number)?)?;
    }
    Ok(list)
}

/// `gaveBack()`: they are where the pool's owner finds them.
pub(crate) fn gave_back(call: &Call<'_>) -> Answer {
    side(call)?.gave_back();
    nothing(call)
}

/// `requestPassOn()`: asks the pool's owner to pass results on.
pub(crate) fn request_pass_on(call: &Call<'_>) -> Answer {
    side(call)?.handle.entry.tell_owner(PoolEvent::PassOn, 0.0);
    nothing(call)
}

/// `workerNumber()`: a number for a new worker, unique in the process.
pub(crate) fn worker_number(call: &Call<'_>) -> Answer {
    // ORDERING: only uniqueness matters.
    static NEXT: AtomicU32 = AtomicU32::new(1);
    js::double(call.env, f64::from(NEXT.fetch_add(1, Ordering::Relaxed)))
}

fn note_waits(side: &WorkerSide, token: f64, waits: bool) {
    if let Some(task) = side.held.get(token) {
        side.note_waits(&task, waits);
    }
}

/// `resume(token)`: that wait is over.
pub(crate) fn resume(call: &Call<'_>) -> Answer {
    let side = side(call)?;
    note_waits(&side, call.f64(0)?, false);
    side.resume(false);
    if let Some(parent) = parent::of_local(&side.handle.entry) {
        parent.tell(to_parent::RESUME, |_| {});
    }
    nothing(call)
}

/// `prepared(function, isAsync, isNew)`: the function is loaded, or has failed to; with a module that was
/// imported for it, `isNew`.
pub(crate) fn prepared(call: &Call<'_>) -> Answer {
    let side = side(call)?;
    side.prepared(call.u32(0)?, call.bool(1)?, call.bool(2)?);
    side.request_turn();
    nothing(call)
}

/// `loadRefused(form, cause)`: the function could not be loaded, because the system refuses a descriptor or
/// memory for now. Whether the worker is to leave, as one whose start was refused; if not it holds tasks.
pub(crate) fn load_refused(call: &Call<'_>) -> Answer {
    let cause = read_cause(call, 0)?;
    js::boolean(call.env, side(call)?.leave_refused(cause))
}

/// `forgetFunction(function)`: the worker has it no longer.
pub(crate) fn forget_function(call: &Call<'_>) -> Answer {
    side(call)?.loaded.forget(call.u32(0)?);
    nothing(call)
}

/// `recovered(ok)`: the isolate has been put right after a stop, or cannot be.
pub(crate) fn recovered(call: &Call<'_>) -> Answer {
    let side = side(call)?;
    if call.bool(0)? {
        side.recovered();
    } else {
        replace(&side.handle);
        // At once: what a stop has left of the stack of async ids would end the process when the outermost
        // callback returns.
        side.guard.end_here();
    }
    side.request_turn();
    nothing(call)
}

/// `retire()`: a stop has done harm to the isolate, which goes on only for the other tasks that it holds.
/// False if there are none.
pub(crate) fn retire(call: &Call<'_>) -> Answer {
    js::boolean(call.env, side(call)?.handle.retire())
}

/// `raiseUncaught()`: makes Node handle an uncaught exception now; see lib/worker/recovery.ts.
pub(crate) fn raise_uncaught(call: &Call<'_>) -> Answer {
    let message = js::string(call.env, "a task was stopped")?;
    let mut error = std::ptr::null_mut();
    // SAFETY: live values of this isolate.
    unsafe {
        if sys::napi_create_error(call.env, std::ptr::null_mut(), message, &mut error) == sys::Status::napi_ok
        {
            sys::napi_fatal_exception(call.env, error);
        }
    }
    nothing(call)
}

/// `leaveIfIdle()`: leaves the pool, unless it has work or keeps this worker warm.
pub(crate) fn leave_if_idle(call: &Call<'_>) -> Answer {
    js::boolean(call.env, side(call)?.leave_if_idle())
}

/// `collectIfIdle()`: has V8 collect all that it can of this isolate, unless the worker has work. Whether it
/// was idle.
pub(crate) fn collect_if_idle(call: &Call<'_>) -> Answer {
    let is_idle = side(call)?.is_idle();
    if is_idle {
        // Where V8 cannot be asked the heap stays as it is.
        v8::collect_garbage();
    }
    js::boolean(call.env, is_idle)
}

/// `detach()`: the worker has left; from now on nothing of ours keeps its loop alive.
pub(crate) fn detach(call: &Call<'_>) -> Answer {
    let side = call.state.worker.borrow_mut().take();
    if let Some(side) = side {
        side.close();
        side.handle.pulse.begin_leaving();
        *call.state.left_worker.borrow_mut() = Some(side.handle.clone());
        call.state.keep_loop_alive(false);
    }
    nothing(call)
}

/// `taskId(token)`: 0 for a task that is over. It does not count as a look of the task's.
pub(crate) fn task_id(call: &Call<'_>) -> Answer {
    let task = side(call)?.held.get(call.f64(0)?);
    id_value(call, task.map_or(0, |task| id_of(&task)))
}

/// The id that the task has in its executor.
fn id_of(task: &JsTask) -> u64 {
    match &task.owner().destination {
        Destination::Isolate(_) => task.id(),
        Destination::Elsewhere(there) => there.id(task),
    }
}

/// `taskInfo(token)`: what a task may know of itself: `[id, name, function, deadline]`, the deadline in
/// milliseconds from now, or undefined; undefined for a task that is over.
pub(crate) fn task_info(call: &Call<'_>) -> Answer {
    let Some(task) = side(call)?.held.get(call.f64(0)?) else { return nothing(call) };
    task.owner().has_looked.store(true, Ordering::Relaxed);
    let list = js::array(call.env)?;
    js::set_element(call.env, list, 0, id_value(call, id_of(&task))?)?;
    let name = Text::write_or_empty(task.owner().name.as_ref(), call.env)?;
    js::set_element(call.env, list, 1, name)?;
    js::set_element(call.env, list, 2, js::double(call.env, f64::from(task.needs()))?)?;
    if let Some(end) = task.deadline() {
        let now = Instant::now();
        let left = end.saturating_duration_since(now).as_secs_f64();
        let left = left - now.saturating_duration_since(end).as_secs_f64();
        js::set_element(call.env, list, 3, js::double(call.env, left * 1e3)?)?;
    }
    Ok(list)
}

/// `isCancelled(token)`: the live flag; true for a task that is over.
pub(crate) fn is_cancelled(call: &Call<'_>) -> Answer {
    let task = side(call)?.held.get(call.f64(0)?);
    js::boolean(call.env, task.is_none_or(|task| task.is_cancel_requested()))
}

/// `stopReason(token)`: why the task is asked to stop, `[form, value]`; undefined if nobody has said it.
pub(crate) fn stop_reason(call: &Call<'_>) -> Answer {
    let task = side(call)?.held.get(call.f64(0)?);
    let Some(reason) = task.as_ref().and_then(|task| task.owner().stop_reason.get()) else {
        return nothing(call);
    };
    let (form, value) = writing::write_packed(call.env, reason)?;
    let list = js::array(call.env)?;
    js::set_element(call.env, list, 0, js::int(call.env, i32::from(form))?)?;
    js::set_element(call.env, list, 1, value)?;
    Ok(list)
}

/// `reportProgress(token, form, value)`
pub(crate) fn report_progress(call: &Call<'_>) -> Answer {
    let task = side(call)?.held.get(call.f64(0)?);
    // In any case: what was written would be kept until something else is.
    let form = call.u32(1)? as u8;
    let value = run::read_value(call.state, form, call.value(2)?)?;
    if let Some(task) = task {
        task::report_progress(&task, Packed { form, value });
    }
    nothing(call)
}

/// `noteOrigin(number)`: what ends the worker comes from the loading of this function, or from the
/// initializer (a negative number).
pub(crate) fn note_origin(call: &Call<'_>) -> Answer {
    if let Some(side) = call.state.worker.borrow().as_ref() {
        let function = u32::try_from(call.i32(0)?).ok();
        if let Some(parent) = parent::of_local(&side.handle.entry).filter(|_| !side.ending.is_near()) {
            parent.tell_origin(function);
        }
        side.ending.note_origin(function.map_or(Origin::Initializer, Origin::Loading));
    }
    nothing(call)
}

/// `noteExit(code)`: the worker is ending by `process.exit` or a fatal error.
pub(crate) fn note_exit(call: &Call<'_>) -> Answer {
    // A worker that has left the pool ends like any other thread.
    if let Some(side) = call.state.worker.borrow().as_ref() {
        side.ending.note_exit(call.i32(0)?);
        if let Some(parent) = parent::of_local(&side.handle.entry) {
            let dies_of = match side.ending.origin() {
                Some(Origin::Loading(function)) => Some(function),
                Some(Origin::Initializer) | None => None,
            };
            parent.give_back(dies_of);
            parent.flush();
        }
    }
    nothing(call)
}

/// `mustDieOf(token)`: whether a stray error of this task, or of an unknown one (0), has to end the worker.
pub(crate) fn must_die_of(call: &Call<'_>) -> Answer {
    js::boolean(call.env, side(call)?.must_die_of(call.f64(0)?))
}

/// `noteStray(name, form, value)`: an error of an ended task of this name; undefined if the task is not
/// known.
pub(crate) fn note_stray(call: &Call<'_>) -> Answer {
    let name = call.value(0)?;
    let is_known = js::type_of(call.env, name)? == sys::ValueType::napi_string;
    let name = is_known.then(|| Text::read(call.env, name, false)).transpose()?;
    let form = call.u32(1)? as u8;
    let value = reading::read_shared(call.env, &call.state.written, form, call.value(2)?)?;
    side(call)?.note_stray(name, Packed { form, value });
    nothing(call)
}

/// `noteCause(form, value)`: the error that is ending the worker.
pub(crate) fn note_cause(call: &Call<'_>) -> Answer {
    let form = call.u32(0)? as u8;
    let value = reading::read_shared(call.env, &call.state.written, form, call.value(1)?)?;
    if let Some(side) = call.state.worker.borrow().as_ref() {
        let cause = Packed { form, value };
        if let Some(parent) = parent::of_local(&side.handle.entry) {
            parent.tell_cause(&cause);
        }
        side.ending.note_cause(cause);
    }
    nothing(call)
}
