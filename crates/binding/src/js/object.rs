//! Using JavaScript's objects: properties, elements, functions, references, exceptions.

use std::ffi::{CStr, c_void};
use std::ptr;

use napi::sys;

use crate::js::fault::{Env, Fault, check};
use crate::js::make::undefined;

pub(crate) fn set_element(
    env: Env,
    array: sys::napi_value,
    index: u32,
    item: sys::napi_value,
) -> Result<(), Fault> {
    // SAFETY: live values of this isolate.
    check(unsafe { sys::napi_set_element(env, array, index, item) })
}

pub(crate) fn length(env: Env, array: sys::napi_value) -> Result<u32, Fault> {
    out!(u32, 0, |length| sys::napi_get_array_length(env, array, &mut length))
}

pub(crate) fn element(env: Env, array: sys::napi_value, index: u32) -> Result<sys::napi_value, Fault> {
    value!(|result| sys::napi_get_element(env, array, index, &mut result))
}

/// The elements of an array; none of anything else.
pub(crate) fn elements(env: Env, array: sys::napi_value) -> Result<Vec<sys::napi_value>, Fault> {
    if !out!(bool, false, |is| sys::napi_is_array(env, array, &mut is))? {
        return Ok(Vec::new());
    }
    (0..length(env, array)?).map(|index| element(env, array, index)).collect()
}

pub(crate) fn is_arraybuffer(env: Env, value: sys::napi_value) -> Result<bool, Fault> {
    out!(bool, false, |is| sys::napi_is_arraybuffer(env, value, &mut is))
}

pub(crate) fn is_detached(env: Env, value: sys::napi_value) -> Result<bool, Fault> {
    out!(bool, false, |is| sys::napi_is_detached_arraybuffer(env, value, &mut is))
}

pub(crate) fn detach(env: Env, buffer: sys::napi_value) -> Result<(), Fault> {
    // SAFETY: a live ArrayBuffer of this isolate.
    check(unsafe { sys::napi_detach_arraybuffer(env, buffer) })
}

pub(crate) fn set(
    env: Env,
    object: sys::napi_value,
    name: &CStr,
    item: sys::napi_value,
) -> Result<(), Fault> {
    // SAFETY: live values of this isolate, a NUL-terminated name.
    check(unsafe { sys::napi_set_named_property(env, object, name.as_ptr(), item) })
}

pub(crate) fn function(
    env: Env,
    name: &CStr,
    callback: unsafe extern "C" fn(Env, sys::napi_callback_info) -> sys::napi_value,
    data: *mut c_void,
) -> Result<sys::napi_value, Fault> {
    value!(|result| sys::napi_create_function(
        env,
        name.as_ptr(),
        name.to_bytes().len() as isize,
        Some(callback),
        data,
        &mut result
    ))
}

/// A strong reference.
pub(crate) fn reference(env: Env, value: sys::napi_value) -> Result<sys::napi_ref, Fault> {
    out!(sys::napi_ref, ptr::null_mut(), |result| sys::napi_create_reference(env, value, 1, &mut result))
}

pub(crate) fn deref(env: Env, reference: sys::napi_ref) -> Result<sys::napi_value, Fault> {
    value!(|result| sys::napi_get_reference_value(env, reference, &mut result))
}

/// Ends a strong reference.
pub(crate) fn release_reference(env: Env, reference: sys::napi_ref) -> Result<(), Fault> {
    // SAFETY: a live reference of this isolate, which its owner uses no more.
    check(unsafe { sys::napi_delete_reference(env, reference) })
}

/// Calls a function on `undefined`.
pub(crate) fn call(
    env: Env,
    function: sys::napi_value,
    args: &[sys::napi_value],
) -> Result<sys::napi_value, Fault> {
    let receiver = undefined(env)?;
    value!(|result| sys::napi_call_function(env, receiver, function, args.len(), args.as_ptr(), &mut result))
}

/// Takes the pending exception, if any.
pub(crate) fn take_exception(env: Env) -> Option<sys::napi_value> {
    let (mut pending, mut error) = (false, ptr::null_mut());
    // SAFETY: out pointers to locals.
    unsafe {
        if sys::napi_is_exception_pending(env, &mut pending) != sys::Status::napi_ok || !pending {
            return None;
        }
        let status = sys::napi_get_and_clear_last_exception(env, &mut error);
        (status == sys::Status::napi_ok).then_some(error)
    }
}

/// Runs `body` in a handle scope of its own.
pub(crate) fn scoped<R>(env: Env, body: impl FnOnce() -> R) -> R {
    let mut scope = ptr::null_mut();
    // SAFETY: opened and closed in pairs on the isolate's thread; `body` lets no handle out.
    let opened = unsafe { sys::napi_open_handle_scope(env, &mut scope) } == sys::Status::napi_ok;
    let result = body();
    if opened {
        // SAFETY: `scope` is the innermost open scope.
        unsafe { sys::napi_close_handle_scope(env, scope) };
    }
    result
}
