//! The N-API addon of concurrent-futures: the only crate that knows JavaScript.
//!
//! `connect` is called once by each isolate that loads the package; everything else hangs off what it returns.
//! The way of a task: `future_calls::submit` → the queue of the `pool` crate → `slice` on a worker's thread →
//! `run` → the future settles → `mailbox` and `bell` of the submitter → `deliver`.

mod awake;
mod bell;
mod blocked;
mod calls;
mod clone;
mod debugger;
mod debugger_calls;
mod deliver;
mod elements;
mod errand;
mod event_loop;
mod failure;
mod frames;
mod function_calls;
mod functions;
mod future_calls;
mod futures;
mod guard;
mod header;
mod held;
mod interrupts;
mod isolate;
mod isolate_link;
mod js;
mod lent;
mod library;
mod mailbox;
mod names;
mod native;
mod native_arguments;
mod native_chunk;
mod native_control;
mod native_tasks;
mod nest;
mod os_thread;
mod pace;
mod parcel;
mod patience;
mod plain;
mod plugin_calls;
mod plugins;
mod pool_calls;
mod pool_event;
mod pooled;
mod pools;
mod port;
mod pulse;
mod quiet;
mod readiness;
mod reading;
mod run;
mod silence;
mod slice;
mod stack;
mod stop_sign;
mod stopper;
mod store;
mod submit_calls;
mod templates;
mod texts;
mod threadsafe;
mod uv;
mod v8;
mod value;
mod value_calls;
mod vigil;
mod watchdog;
mod work;
mod worker;
mod worker_calls;
mod worker_link;
mod writing;
mod written;

use napi::bindgen_prelude::{FromNapiValue, Unknown};
use napi::{Env, Error, Result, Status, sys};
use napi_derive::napi;

use crate::calls::{calls, install};
use crate::isolate::IsolateState;
use crate::js::Fault;

/// Connects the calling isolate: `deliver(count, values)` will be called with batches of completions.
/// Returns the binding's functions; their declarations are in lib/binding.ts.
#[napi(
    ts_args_type = "deliver: (count: number, values: unknown[] | undefined) => void",
    ts_return_type = "object"
)]
pub fn connect(env: Env, deliver: Unknown<'_>) -> Result<Unknown<'static>> {
    let raw = env.raw();
    library::see_runtime(raw);
    let target = build(raw, napi::JsValue::raw(&deliver)).map_err(|fault| match fault {
        Fault::Pending => Error::new(Status::PendingException, "an exception is pending"),
        Fault::Throw { message, .. } => Error::from_reason(message),
    })?;
    // SAFETY: `target` is a live object of this isolate.
    unsafe { Unknown::from_napi_value(raw, target) }
}

fn build(env: sys::napi_env, deliver: sys::napi_value) -> std::result::Result<sys::napi_value, Fault> {
    let (state, header) = IsolateState::create(env, deliver, &slice::ENTRIES)?;
    let target = js::object(env)?;
    js::set(env, target, c"header", header)?;
    js::set(env, target, c"canMove", js::boolean(env, store::stores().is_some())?)?;
    js::set(env, target, c"canWrite", js::boolean(env, clone::cloner().is_some())?)?;
    js::set(env, target, c"canInterrupt", js::boolean(env, interrupts::interrupts().is_some())?)?;
    let table = calls! {
        c"submit" => submit_calls::submit,
        c"seal" => submit_calls::seal,
        c"withdraw" => submit_calls::withdraw,
        c"refusal" => submit_calls::refusal,
        c"countCancelled" => submit_calls::count_cancelled,
        c"state" => future_calls::state,
        c"collect" => future_calls::collect,
        c"progress" => future_calls::progress,
        c"cancel" => future_calls::cancel,
        c"park" => future_calls::park,
        c"release" => future_calls::release,
        c"write" => value_calls::write,
        c"keepPlain" => value_calls::keep_plain,
        c"hasNames" => value_calls::has_names,
        c"isDetachable" => value_calls::is_detachable,
        c"readBack" => value_calls::read_back,
        c"services" => future_calls::services,
        c"hold" => future_calls::hold,
        c"assign" => pool_calls::assign,
        c"delivered" => pool_calls::delivered,
        c"createPool" => pool_calls::create_pool,
        c"openPool" => pool_calls::open_pool,
        c"dropPool" => pool_calls::drop_pool,
        c"shutdown" => pool_calls::shutdown,
        c"terminate" => pool_calls::terminate,
        c"isClosed" => pool_calls::is_closed,
        c"wantRoom" => pool_calls::want_room,
        c"startFailed" => pool_calls::start_failed,
        c"stats" => pool_calls::stats,
        c"dump" => pool_calls::dump,
        c"holdClocks" => debugger_calls::hold_clocks,
        c"noteInspector" => debugger_calls::note_inspector,
        c"isInspected" => debugger_calls::is_inspected,
        c"exitAfter" => pool_calls::exit_after,
        c"mustForceExit" => pool_calls::must_force_exit,
        c"functionNumber" => function_calls::number,
        c"functionText" => function_calls::text,
        c"templateNumber" => templates::number,
        c"templatePath" => templates::path,
        c"loadPlugin" => plugin_calls::load,
        c"attach" => worker_calls::attach,
        c"settle" => worker_calls::settle,
        c"prepared" => worker_calls::prepared,
        c"recovered" => worker_calls::recovered,
        c"fatal" => worker_calls::fatal,
        c"leaveIfIdle" => worker_calls::leave_if_idle,
        c"detach" => worker_calls::detach,
        c"suspend" => worker_calls::suspend,
        c"nudge" => worker_calls::nudge,
        c"workerNumber" => worker_calls::worker_number,
        c"giveBack" => worker_calls::give_back,
        c"gaveBack" => worker_calls::gave_back,
        c"resume" => worker_calls::resume,
        c"look" => worker_calls::look,
        c"isCancelled" => worker_calls::is_cancelled,
        c"reportProgress" => worker_calls::report_progress,
        c"noteExit" => worker_calls::note_exit,
        c"noteCause" => worker_calls::note_cause,
    };
    install(env, target, state, &table)?;
    Ok(target)
}
