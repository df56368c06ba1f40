//! The native functions that TypeScript calls, made by hand for speed: a raw N-API function costs a tenth
//! of a generated one. Their declarations are in lib/addon/binding.ts.

use std::ffi::{CStr, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::Arc;

use napi::sys;

use crate::isolate::state::IsolateState;
use crate::js::{self, Env, Fault};
use crate::tasks::pools::PoolEntry;

pub(crate) const MOST_ARGS: usize = 16;
/// So many are asked for at first: Node fills up what is missing of as many as it is asked for.
const USUAL_ARGS: usize = 2;

/// One call from JavaScript.
pub(crate) struct Call<'a> {
    pub(crate) env: Env,
    pub(crate) state: &'a IsolateState,
    args: [sys::napi_value; MOST_ARGS],
    count: usize,
}

impl Call<'_> {
    pub(crate) fn args(&self) -> &[sys::napi_value] {
        &self.args[..self.count]
    }

    pub(crate) fn value(&self, index: usize) -> Result<sys::napi_value, Fault> {
        self.args().get(index).copied().ok_or_else(|| Fault::internal("an argument is missing"))
    }

    pub(crate) fn u32(&self, index: usize) -> Result<u32, Fault> {
        js::get_u32(self.env, self.value(index)?)
    }

    pub(crate) fn i32(&self, index: usize) -> Result<i32, Fault> {
        js::get_i32(self.env, self.value(index)?)
    }

    pub(crate) fn f64(&self, index: usize) -> Result<f64, Fault> {
        js::get_double(self.env, self.value(index)?)
    }

    pub(crate) fn bool(&self, index: usize) -> Result<bool, Fault> {
        js::get_bool(self.env, self.value(index)?)
    }
}

pub(crate) type Answer = Result<sys::napi_value, Fault>;

/// The pool that a call names first.
pub(crate) fn pool_of(call: &Call<'_>) -> Result<Arc<PoolEntry>, Fault> {
    call.state.pool(call.u32(0)?)
}

/// An unused result.
pub(crate) fn nothing(call: &Call<'_>) -> Answer {
    js::undefined(call.env)
}

/// A task's id as a number.
pub(crate) fn id_value(call: &Call<'_>, id: u64) -> Result<sys::napi_value, Fault> {
    js::double(call.env, id as f64)
}

/// Reads the call, runs `body`, and turns a fault or a panic into an exception.
///
/// # Safety
/// Called by N-API as the callback of a function whose data is the isolate's state.
pub(crate) unsafe fn enter(
    env: Env,
    info: sys::napi_callback_info,
    body: fn(&Call<'_>) -> Answer,
) -> sys::napi_value {
    let mut args = [ptr::null_mut(); MOST_ARGS];
    let (mut count, mut data) = (USUAL_ARGS, ptr::null_mut::<c_void>());
    // SAFETY: out pointers to locals, with room for so many arguments; the state lives as long as JavaScript
    // can run in the isolate.
    let state = unsafe {
        sys::napi_get_cb_info(env, info, &mut count, args.as_mut_ptr(), ptr::null_mut(), &mut data);
        if count > USUAL_ARGS {
            count = MOST_ARGS;
            sys::napi_get_cb_info(env, info, &mut count, args.as_mut_ptr(), ptr::null_mut(), &mut data);
        }
        &*data.cast::<IsolateState>()
    };
    let call = Call { env, state, args, count: count.min(MOST_ARGS) };
    match catch_unwind(AssertUnwindSafe(|| body(&call))) {
        Ok(Ok(value)) => value,
        Ok(Err(fault)) => {
            fault.raise(env);
            ptr::null_mut()
        }
        Err(_) => {
            Fault::internal("a panic in the native code of concurrent-futures").raise(env);
            ptr::null_mut()
        }
    }
}

/// A table of functions: `calls! { c"name" => body, … }` makes one `extern "C"` callback for each.
macro_rules! calls {
    ($($name:literal => $body:path),* $(,)?) => {
        [$(($name, {
            unsafe extern "C" fn callback(
                env: $crate::js::Env,
                info: napi::sys::napi_callback_info,
            ) -> napi::sys::napi_value {
                // SAFETY: `install` makes the function with the isolate's state as its data.
                unsafe { $crate::calls::call::enter(env, info, $body) }
            }
            callback as $crate::calls::call::Callback
        })),*]
    };
}
pub(crate) use calls;

pub(crate) type Callback = unsafe extern "C" fn(Env, sys::napi_callback_info) -> sys::napi_value;

/// Puts the functions on `target`.
pub(crate) fn install(
    env: Env,
    target: sys::napi_value,
    state: *mut IsolateState,
    table: &[(&CStr, Callback)],
) -> Result<(), Fault> {
    for (name, callback) in table {
        js::set(env, target, name, js::function(env, name, *callback, state.cast())?)?;
    }
    Ok(())
}
