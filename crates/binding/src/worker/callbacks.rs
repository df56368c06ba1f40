//! The functions of lib/worker, and calling them.

use napi::sys;

use crate::engine::async_frame::AsyncFrame;
use crate::js::{self, Env, Fault};

/// Strong references, for as long as the isolate lives.
pub(crate) struct WorkerCallbacks {
    /// `dispatch(values)`; which task it is, is in `scratch`.
    pub(crate) dispatch: sys::napi_ref,
    /// Where tasks may share a callback scope.
    pub(crate) serve: Option<Serve>,
    /// `prepare(function)`: loads a function; answers by `prepared`.
    pub(crate) prepare: sys::napi_ref,
    /// `leave(now)`
    pub(crate) leave: sys::napi_ref,
    /// `abort(token)`: aborts the signal of a task; 0 is no task.
    pub(crate) abort: sys::napi_ref,
    /// `recover(token, unharmed)`: a stop has hit this task; answers by `recovered`.
    pub(crate) recover: sys::napi_ref,
    /// `packError(error)`
    pub(crate) pack_error: sys::napi_ref,
    /// `prepareNow(function)`: loads a function if that takes no waiting; see `loaded_functions`.
    pub(crate) prepare_now: sys::napi_ref,
    /// `proceed(token)`: has a stream go on; as `dispatch`.
    pub(crate) proceed: sys::napi_ref,
}

/// What takes the place of a callback scope for each task.
pub(crate) struct Serve {
    /// `serve()`: calls `dispatch` for one task after the other.
    pub(crate) function: sys::napi_ref,
    /// Cleared between two of them.
    pub(crate) frame: AsyncFrame,
}

impl WorkerCallbacks {
    pub(crate) fn recover(&self, env: Env, token: f64, unharmed: bool) -> Result<(), Fault> {
        let recover = js::deref(env, self.recover)?;
        js::call(env, recover, &[js::double(env, token)?, js::boolean(env, unharmed)?]).map(drop)
    }

    pub(crate) fn prepare_now(&self, env: Env, function: u32) -> Result<i32, Fault> {
        let prepare = js::deref(env, self.prepare_now)?;
        js::get_i32(env, js::call(env, prepare, &[js::double(env, f64::from(function))?])?)
    }

    /// Calls into JavaScript to no effect: fails where none can run, or where the caller is to be stopped.
    pub(crate) fn call_nothing(&self, env: Env) -> Result<(), Fault> {
        let abort = js::deref(env, self.abort)?;
        js::call(env, abort, &[js::double(env, 0.0)?]).map(drop)
    }
}
