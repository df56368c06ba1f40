//! Thin, checked wrappers over the N-API calls that the hot paths use. Each returns a [`Fault`] when the
//! call did not succeed; nothing here panics.

use std::ffi::{CStr, CString, c_void};
use std::ptr;

use napi::sys;

use crate::engine;
use crate::pooled::{self, Pooled};
use crate::value::{ARRAY_BUFFER, DATA_VIEW, Value, View};

/// The environment of one isolate, usable on its thread only.
pub(crate) type Env = sys::napi_env;

/// Why a native call cannot go on.
pub(crate) enum Fault {
    /// A JavaScript exception is pending, or JavaScript cannot run any more: just return.
    Pending,
    /// Throw this.
    Throw { code: &'static str, message: String },
}

impl Fault {
    pub(crate) fn internal(message: &str) -> Fault {
        Fault::Throw { code: "ERR_FUTURE_INTERNAL", message: message.to_owned() }
    }

    pub(crate) fn invalid_state(message: &str) -> Fault {
        Fault::Throw { code: "ERR_FUTURE_INVALID_STATE", message: message.to_owned() }
    }

    /// Makes it the pending exception.
    pub(crate) fn raise(self, env: Env) {
        if let Fault::Throw { code, message } = self {
            let text = CString::new(message.replace('\0', "")).unwrap_or_default();
            let code = CString::new(code).unwrap_or_default();
            // SAFETY: both strings are NUL-terminated and outlive the call; `env` is the calling isolate's.
            unsafe { sys::napi_throw_error(env, code.as_ptr(), text.as_ptr()) };
        }
    }
}

/// Turns a status into a result.
pub(crate) fn check(status: sys::napi_status) -> Result<(), Fault> {
    match status {
        sys::Status::napi_ok => Ok(()),
        sys::Status::napi_pending_exception | sys::Status::napi_cannot_run_js | sys::Status::napi_closing => {
            Err(Fault::Pending)
        }
        other => Err(Fault::internal(&format!("N-API status {other}"))),
    }
}

// SAFETY (for the macros' users): every N-API call below is given an `env` that belongs to the calling
// thread, values that are live in the current handle scope, and out pointers to initialised locals.
macro_rules! out {
    ($type:ty, $init:expr, |$out:ident| $call:expr) => {{
        let mut $out: $type = $init;
        // SAFETY: see above.
        check(unsafe { $call })?;
        Ok($out)
    }};
}

macro_rules! value {
    (|$out:ident| $call:expr) => {{
        let mut $out: sys::napi_value = ptr::null_mut();
        // SAFETY: see above.
        check(unsafe { $call })?;
        Ok($out)
    }};
}

pub(crate) fn type_of(env: Env, value: sys::napi_value) -> Result<sys::napi_valuetype, Fault> {
    out!(sys::napi_valuetype, 0, |kind| sys::napi_typeof(env, value, &mut kind))
}

pub(crate) fn get_bool(env: Env, value: sys::napi_value) -> Result<bool, Fault> {
    out!(bool, false, |flag| sys::napi_get_value_bool(env, value, &mut flag))
}

pub(crate) fn get_double(env: Env, value: sys::napi_value) -> Result<f64, Fault> {
    out!(f64, 0.0, |number| sys::napi_get_value_double(env, value, &mut number))
}

pub(crate) fn get_u32(env: Env, value: sys::napi_value) -> Result<u32, Fault> {
    out!(u32, 0, |number| sys::napi_get_value_uint32(env, value, &mut number))
}

pub(crate) fn get_i32(env: Env, value: sys::napi_value) -> Result<i32, Fault> {
    out!(i32, 0, |number| sys::napi_get_value_int32(env, value, &mut number))
}

pub(crate) fn get_bigint(env: Env, value: sys::napi_value) -> Result<(bool, Box<[u64]>), Fault> {
    let mut count = 0usize;
    // SAFETY: a null word buffer asks for the count only.
    check(unsafe {
        sys::napi_get_value_bigint_words(env, value, ptr::null_mut(), &mut count, ptr::null_mut())
    })?;
    let (mut sign, mut words) = (0i32, vec![0u64; count]);
    // SAFETY: `words` has room for `count` words.
    check(unsafe {
        sys::napi_get_value_bigint_words(env, value, &mut sign, &mut count, words.as_mut_ptr())
    })?;
    words.truncate(count);
    Ok((sign != 0, words.into_boxed_slice()))
}

/// A string, in one byte a character where that loses nothing. With `pool` a long one is in memory that is used again.
pub(crate) fn get_string(env: Env, value: sys::napi_value, pool: bool) -> Result<Value, Fault> {
    let mut length = 0usize;
    // SAFETY: a null buffer asks for the length only.
    check(unsafe { sys::napi_get_value_string_utf16(env, value, ptr::null_mut(), 0, &mut length) })?;
    if engine::is_one_byte(value) {
        let pool = pool && pooled::is_worth_it(length + 1);
        let mut text = if pool { pooled::take(length + 1) } else { Vec::with_capacity(length + 1) };
        let mut written = 0usize;
        // SAFETY: the capacity holds `length` characters and the NUL that N-API adds.
        check(unsafe {
            sys::napi_get_value_string_latin1(env, value, text.as_mut_ptr().cast(), length + 1, &mut written)
        })?;
        // SAFETY: N-API has initialised `written` bytes.
        unsafe { text.set_len(written) };
        return Ok(if pool {
            Value::LongLatin1(Pooled::new(text))
        } else {
            Value::Latin1(text.into_boxed_slice())
        });
    }
    let mut text: Vec<u16> = Vec::with_capacity(length + 1);
    let mut written = 0usize;
    // SAFETY: the capacity holds `length` units and the NUL that N-API adds.
    check(unsafe {
        sys::napi_get_value_string_utf16(env, value, text.as_mut_ptr(), length + 1, &mut written)
    })?;
    // SAFETY: N-API has initialised `written` units.
    unsafe { text.set_len(written) };
    if text.iter().all(|&unit| unit < 256) {
        return Ok(Value::Latin1(text.iter().map(|&unit| unit as u8).collect()));
    }
    Ok(Value::Utf16(text.into_boxed_slice()))
}

/// A string as Rust text; lone surrogates become U+FFFD.
pub(crate) fn get_text(env: Env, value: sys::napi_value) -> Result<String, Fault> {
    match get_string(env, value, false)? {
        Value::Latin1(text) => Ok(text.iter().map(|&byte| char::from(byte)).collect()),
        Value::Utf16(text) => Ok(String::from_utf16_lossy(&text)),
        _ => Err(Fault::internal("not a string")),
    }
}

/// The bytes of an ArrayBuffer or of a view, and what it is. The slice is good until JavaScript runs.
pub(crate) fn get_bytes<'a>(env: Env, value: sys::napi_value) -> Result<(View, &'a [u8]), Fault> {
    let (mut is_array, mut is_view, mut is_buffer) = (false, false, false);
    // SAFETY: out pointers to locals.
    unsafe {
        check(sys::napi_is_typedarray(env, value, &mut is_array))?;
        check(sys::napi_is_dataview(env, value, &mut is_view))?;
        check(sys::napi_is_arraybuffer(env, value, &mut is_buffer))?;
    }
    let (mut data, mut length) = (ptr::null_mut::<c_void>(), 0usize);
    let (mut buffer, mut offset, mut kind) = (ptr::null_mut(), 0usize, 0);
    let view = if is_array {
        // SAFETY: `value` is a typed array.
        check(unsafe {
            sys::napi_get_typedarray_info(
                env,
                value,
                &mut kind,
                &mut length,
                &mut data,
                &mut buffer,
                &mut offset,
            )
        })?;
        length *= element_size(kind);
        kind
    } else if is_view {
        // SAFETY: `value` is a DataView.
        check(unsafe {
            sys::napi_get_dataview_info(env, value, &mut length, &mut data, &mut buffer, &mut offset)
        })?;
        DATA_VIEW
    } else if is_buffer {
        // SAFETY: `value` is an ArrayBuffer.
        check(unsafe { sys::napi_get_arraybuffer_info(env, value, &mut data, &mut length) })?;
        ARRAY_BUFFER
    } else {
        return Err(Fault::internal("not bytes"));
    };
    if length == 0 || data.is_null() {
        return Ok((view, &[]));
    }
    // SAFETY: the engine vouches for `length` bytes at `data` until JavaScript runs again; callers copy at once.
    Ok((view, unsafe { std::slice::from_raw_parts(data.cast(), length) }))
}

/// The ArrayBuffer of a view, or the ArrayBuffer that the value is.
pub(crate) fn buffer_of(env: Env, value: sys::napi_value) -> Result<sys::napi_value, Fault> {
    let (mut is_array, mut is_view) = (false, false);
    // SAFETY: out pointers to locals.
    unsafe {
        check(sys::napi_is_typedarray(env, value, &mut is_array))?;
        check(sys::napi_is_dataview(env, value, &mut is_view))?;
    }
    let (none, mut buffer) = (ptr::null_mut(), ptr::null_mut());
    if is_array {
        // SAFETY: `value` is a typed array; what is not asked for may be null.
        check(unsafe {
            let length = ptr::null_mut();
            sys::napi_get_typedarray_info(env, value, ptr::null_mut(), length, none, &mut buffer, length)
        })?;
        return Ok(buffer);
    }
    if is_view {
        // SAFETY: `value` is a DataView; what is not asked for may be null.
        check(unsafe {
            let length = ptr::null_mut();
            sys::napi_get_dataview_info(env, value, length, none, &mut buffer, length)
        })?;
        return Ok(buffer);
    }
    Ok(value)
}

pub(crate) fn element_size(kind: View) -> usize {
    match kind {
        3 | 4 | 11 => 2,
        5..=7 => 4,
        8..=10 => 8,
        _ => 1,
    }
}

pub(crate) fn undefined(env: Env) -> Result<sys::napi_value, Fault> {
    value!(|result| sys::napi_get_undefined(env, &mut result))
}

pub(crate) fn null(env: Env) -> Result<sys::napi_value, Fault> {
    value!(|result| sys::napi_get_null(env, &mut result))
}

pub(crate) fn boolean(env: Env, flag: bool) -> Result<sys::napi_value, Fault> {
    value!(|result| sys::napi_get_boolean(env, flag, &mut result))
}

pub(crate) fn double(env: Env, number: f64) -> Result<sys::napi_value, Fault> {
    value!(|result| sys::napi_create_double(env, number, &mut result))
}

pub(crate) fn int(env: Env, number: i32) -> Result<sys::napi_value, Fault> {
    value!(|result| sys::napi_create_int32(env, number, &mut result))
}

pub(crate) fn object(env: Env) -> Result<sys::napi_value, Fault> {
    value!(|result| sys::napi_create_object(env, &mut result))
}

pub(crate) fn array(env: Env) -> Result<sys::napi_value, Fault> {
    value!(|result| sys::napi_create_array(env, &mut result))
}

pub(crate) fn bigint(env: Env, negative: bool, words: &[u64]) -> Result<sys::napi_value, Fault> {
    value!(|result| sys::napi_create_bigint_words(
        env,
        i32::from(negative),
        words.len(),
        words.as_ptr(),
        &mut result
    ))
}

pub(crate) fn string_latin1(env: Env, text: &[u8]) -> Result<sys::napi_value, Fault> {
    value!(|result| sys::napi_create_string_latin1(
        env,
        text.as_ptr().cast(),
        text.len() as isize,
        &mut result
    ))
}

pub(crate) fn string_utf16(env: Env, text: &[u16]) -> Result<sys::napi_value, Fault> {
    value!(|result| sys::napi_create_string_utf16(env, text.as_ptr(), text.len() as isize, &mut result))
}

pub(crate) fn string(env: Env, text: &str) -> Result<sys::napi_value, Fault> {
    value!(|result| sys::napi_create_string_utf8(env, text.as_ptr().cast(), text.len() as isize, &mut result))
}

/// A new ArrayBuffer, or a view of all of one, with a copy of `bytes`.
pub(crate) fn bytes(env: Env, view: View, bytes: &[u8]) -> Result<sys::napi_value, Fault> {
    view_of_all(env, view, bytes.len(), buffer_with(env, bytes)?)
}

/// A new ArrayBuffer with a copy of `bytes`.
pub(crate) fn buffer_with(env: Env, bytes: &[u8]) -> Result<sys::napi_value, Fault> {
    let mut data = ptr::null_mut();
    let buffer: sys::napi_value = {
        let mut buffer = ptr::null_mut();
        // SAFETY: out pointers to locals.
        check(unsafe { sys::napi_create_arraybuffer(env, bytes.len(), &mut data, &mut buffer) })?;
        buffer
    };
    if !bytes.is_empty() {
        // SAFETY: the new buffer has `bytes.len()` bytes at `data`, and nobody else knows it.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), data.cast(), bytes.len()) };
    }
    Ok(buffer)
}

/// A buffer of `size` bytes itself, or a view of all of it.
pub(crate) fn view_of_all(
    env: Env,
    view: View,
    size: usize,
    buffer: sys::napi_value,
) -> Result<sys::napi_value, Fault> {
    match view {
        ARRAY_BUFFER => Ok(buffer),
        DATA_VIEW => value!(|result| sys::napi_create_dataview(env, size, buffer, 0, &mut result)),
        kind => {
            let length = size / element_size(kind);
            value!(|result| sys::napi_create_typedarray(env, kind, length, buffer, 0, &mut result))
        }
    }
}

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
