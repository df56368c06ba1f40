//! The N-API addon of concurrent-futures: the only crate that knows JavaScript.
//!
//! `connect` is called once by each isolate that loads the package; everything else hangs off what it
//! returns. The way of a task: `calls::submit` → the queue of the `pool` crate → `isolate::turn` on a
//! worker's thread → `isolate::run` → the future settles → `doorbell::mailbox` and `doorbell::bell` of the
//! submitter → `isolate::deliver`.
//!
//! The folders are layers, and each imports only what stands below it: `calls`, `isolate`, `worker`,
//! `supervision`, `process`, `tasks`, `native`, `values`, `doorbell`, `engine`, `js`.

// A folder is a layer, and the noun that it is named after has a file like every other: worker/worker.rs.
#![allow(clippy::module_inception)]

mod calls;
mod doorbell;
mod engine;
mod isolate;
mod js;
mod native;
mod process;
mod supervision;
mod tasks;
mod values;
mod worker;

use napi::bindgen_prelude::{FromNapiValue, Unknown};
use napi::{Env, Error, Result, Status, sys};
use napi_derive::napi;

use crate::calls::call::install;
use crate::engine::{backing_store, interrupts, library, serializer};
use crate::isolate::state::IsolateState;
use crate::isolate::turn;
use crate::js::Fault;

/// Connects the calling isolate: `deliver(count, values)` will be called with batches of completions.
/// Returns the binding's functions; their declarations are in lib/addon/binding.ts.
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

/// What TypeScript must know as the addon knows it, a line for each number and call; for the build, which
/// writes lib/addon/seam.ts from it, with the files that the numbers are declared in.
#[napi]
pub fn seam(with_files: Option<bool>) -> String {
    calls::agreement(with_files.unwrap_or(false))
}

fn build(env: sys::napi_env, deliver: sys::napi_value) -> std::result::Result<sys::napi_value, Fault> {
    let (state, header) = IsolateState::create(env, deliver, &turn::ENTRIES)?;
    let target = js::object(env)?;
    js::set(env, target, c"header", header)?;
    js::set(env, target, c"canMove", js::boolean(env, backing_store::calls().is_some())?)?;
    js::set(env, target, c"canWrite", js::boolean(env, serializer::serializer().is_some())?)?;
    js::set(env, target, c"canInterrupt", js::boolean(env, interrupts::interrupts().is_some())?)?;
    js::set(env, target, c"canStartChildren", js::boolean(env, ::process::SUPPORTED)?)?;
    install(env, target, state, calls::TABLE)?;
    Ok(target)
}
