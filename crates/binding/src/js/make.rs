//! From Rust to JavaScript: new values.

use std::ffi::c_void;
use std::ptr;

use napi::sys;

use crate::js::fault::{Env, Fault, check};
use crate::js::view::{ARRAY_BUFFER, DATA_VIEW, View, element_size};

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

/// What the oldest supported engine allows.
const MOST_ELEMENTS: usize = 1 << 32;

/// From this size on the memory of a buffer may well be refused: N-API ends the process then, the class
/// throws a RangeError.
const LARGE: usize = 1 << 20;

/// A new ArrayBuffer with a copy of `bytes`.
fn buffer_with(env: Env, bytes: &[u8]) -> Result<sys::napi_value, Fault> {
    let (buffer, data) = new_buffer(env, bytes.len())?;
    if !bytes.is_empty() {
        // SAFETY: the new buffer has `bytes.len()` bytes at `data`. `bytes` are Rust's own, so that the two
        // do not overlap whatever buffer a class of the user's has given.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), data, bytes.len()) };
    }
    Ok(buffer)
}

/// A new ArrayBuffer of this size, and its memory. Where the global class was replaced this runs code of
/// the user's.
pub(crate) fn new_buffer(env: Env, size: usize) -> Result<(sys::napi_value, *mut u8), Fault> {
    let mut data = ptr::null_mut();
    let large = if size < LARGE { None } else { large_buffer(env, size, &mut data)? };
    let buffer = match large {
        Some(buffer) => buffer,
        None => value!(|result| sys::napi_create_arraybuffer(env, size, &mut data, &mut result))?,
    };
    Ok((buffer, data.cast()))
}

/// What V8 throws where there is no memory for a buffer.
pub(crate) fn refused_buffer(env: Env) -> Fault {
    let message = c"Array buffer allocation failed";
    // SAFETY: NUL-terminated; no code.
    unsafe { sys::napi_throw_range_error(env, ptr::null(), message.as_ptr()) };
    Fault::Pending
}

/// A new buffer by its class; `None` if the global of that name makes something else.
fn large_buffer(env: Env, size: usize, data: &mut *mut c_void) -> Result<Option<sys::napi_value>, Fault> {
    let global: sys::napi_value = value!(|result| sys::napi_get_global(env, &mut result))?;
    let class: sys::napi_value =
        value!(|result| sys::napi_get_named_property(env, global, c"ArrayBuffer".as_ptr(), &mut result))?;
    let argument = double(env, size as f64)?;
    let buffer: sys::napi_value =
        value!(|result| sys::napi_new_instance(env, class, 1, &argument, &mut result))?;
    let (mut is_buffer, mut length) = (false, 0);
    // SAFETY: a live value and out pointers.
    let got = unsafe {
        check(sys::napi_is_arraybuffer(env, buffer, &mut is_buffer))?;
        is_buffer && sys::napi_get_arraybuffer_info(env, buffer, data, &mut length) == sys::Status::napi_ok
    };
    Ok((got && length == size).then_some(buffer))
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
            if length > MOST_ELEMENTS {
                // The engine would end the process.
                return Err(Fault::internal("a typed array cannot be that long"));
            }
            value!(|result| sys::napi_create_typedarray(env, kind, length, buffer, 0, &mut result))
        }
    }
}
