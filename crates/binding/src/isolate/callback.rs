//! Calling a function of TypeScript's with values that no isolate owns.

use napi::sys;

use crate::isolate::state::IsolateState;
use crate::js;
use crate::values::value::Value;
use crate::values::writing;

/// Calls the function, whose error is an uncaught exception.
pub(super) fn call_with(state: &IsolateState, function: sys::napi_ref, args: &[Value]) {
    let env = state.env;
    let call = || {
        let args: Vec<_> =
            args.iter().map(|value| writing::write_ref(env, value)).collect::<Result<_, _>>()?;
        js::call(env, js::deref(env, function)?, &args)
    };
    if call().is_err()
        && let Some(error) = js::take_exception(env)
    {
        // SAFETY: a live value of this isolate.
        unsafe { sys::napi_fatal_exception(env, error) };
    }
}
