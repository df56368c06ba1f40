//! From JavaScript to Rust: what a value is, and what is in it.

use std::ffi::c_void;
use std::ptr;

use napi::sys;

use crate::js::fault::{Env, Fault, check};
use crate::js::view::{ARRAY_BUFFER, DATA_VIEW, View, element_size};

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
    let (mut sign, mut words) = (0i32, with_room(count)?);
    words.resize(count, 0u64);
    // SAFETY: `words` has room for `count` words.
    check(unsafe {
        sys::napi_get_value_bigint_words(env, value, &mut sign, &mut count, words.as_mut_ptr())
    })?;
    words.truncate(count);
    Ok((sign != 0, words.into_boxed_slice()))
}

/// How many UTF-16 units a string has.
pub(crate) fn string_length(env: Env, value: sys::napi_value) -> Result<usize, Fault> {
    let mut length = 0usize;
    // SAFETY: a null buffer asks for the length only.
    check(unsafe { sys::napi_get_value_string_utf16(env, value, ptr::null_mut(), 0, &mut length) })?;
    Ok(length)
}

/// Reads a string of this length, all of whose characters fit a byte, into a vector that is empty and has
/// room for one byte more than that.
pub(crate) fn get_latin1(
    env: Env,
    value: sys::napi_value,
    length: usize,
    text: &mut Vec<u8>,
) -> Result<(), Fault> {
    debug_assert!(text.is_empty());
    if text.capacity() <= length {
        return Err(Fault::internal("no room for a string"));
    }
    let mut written = 0usize;
    // SAFETY: the capacity holds `length` characters and the NUL that N-API adds.
    check(unsafe {
        sys::napi_get_value_string_latin1(env, value, text.as_mut_ptr().cast(), length + 1, &mut written)
    })?;
    // SAFETY: N-API has initialised `written` bytes.
    unsafe { text.set_len(written) };
    Ok(())
}

/// The UTF-16 units of a string of this length.
pub(crate) fn get_utf16(env: Env, value: sys::napi_value, length: usize) -> Result<Vec<u16>, Fault> {
    let mut text: Vec<u16> = with_room(length + 1)?;
    let mut written = 0usize;
    // SAFETY: the capacity holds `length` units and the NUL that N-API adds.
    check(unsafe {
        sys::napi_get_value_string_utf16(env, value, text.as_mut_ptr(), length + 1, &mut written)
    })?;
    // SAFETY: N-API has initialised `written` units.
    unsafe { text.set_len(written) };
    Ok(text)
}

/// An empty vector for so many, where there is memory for it.
pub(crate) fn with_room<T>(length: usize) -> Result<Vec<T>, Fault> {
    let mut list = Vec::new();
    list.try_reserve_exact(length).map_err(|_| Fault::no_memory(length * size_of::<T>()))?;
    Ok(list)
}

/// A string as Rust text; lone surrogates become U+FFFD.
pub(crate) fn get_text(env: Env, value: sys::napi_value) -> Result<String, Fault> {
    let units = get_utf16(env, value, string_length(env, value)?)?;
    let mut text = String::new();
    for character in char::decode_utf16(units) {
        let character = character.unwrap_or(char::REPLACEMENT_CHARACTER);
        text.try_reserve(character.len_utf8()).map_err(|_| Fault::no_memory(text.len()))?;
        text.push(character);
    }
    Ok(text)
}

/// The bytes of an ArrayBuffer or of a view, and what it is.
///
/// # Safety
/// The slice is not used any more once JavaScript runs, unless something keeps the memory and JavaScript
/// cannot write to it any more.
pub(crate) unsafe fn get_bytes<'a>(env: Env, value: sys::napi_value) -> Result<(View, &'a [u8]), Fault> {
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
    // SAFETY: there are `length` bytes at `data` until JavaScript runs again; the rest is the caller's.
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
