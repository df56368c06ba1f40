//! Values on their way into an isolate.

use napi::sys;

use crate::engine::serializer;
use crate::js::{self, ARRAY_BUFFER, Env, Fault, UINT8_ARRAY, View};
use crate::values::port::PortRef;
use crate::values::room;
use crate::values::value::{self, Packed, Value, Whole};

/// Makes a packed value anew in an isolate, and says in which form TypeScript gets it.
pub(crate) fn write_packed(env: Env, packed: &Packed) -> Result<(u8, sys::napi_value), Fault> {
    write_form(env, packed.form, &packed.value)
}

/// As `write_packed`, for a value of this form.
pub(crate) fn write_form(env: Env, form: u8, value: &Value) -> Result<(u8, sys::napi_value), Fault> {
    let Value::Serialized(serialized) = value else { return Ok((form, write_ref(env, value)?)) };
    let flags = form & !value::FORM_BITS;
    // Buffers or one string may be nearly all of it.
    room::require_in_heap(env, serialized.bytes().len())?;
    // SAFETY: this thread is in the isolate of `env`, in a callback: its context is entered, and a handle
    // scope open.
    match unsafe { serializer::deserialize(serialized) } {
        Some(value) => Ok((flags | value::FORM_READ, value)),
        // TypeScript will fail as well, where errors of reading belong.
        None => Ok((flags | value::FORM_CLONED, write_ref(env, value)?)),
    }
}

fn write_bytes(env: Env, view: View, bytes: &[u8]) -> Result<sys::napi_value, Fault> {
    room::require(env, bytes.len())?;
    js::bytes(env, view, bytes)
}

/// As `write_packed`, for a value of which others are made as well: what is not shared memory is copied.
pub(crate) fn write_again(env: Env, packed: &Packed) -> Result<(u8, sys::napi_value), Fault> {
    match &packed.value {
        value @ (Value::Whole(_) | Value::Store(_) | Value::List(_)) => {
            Ok((packed.form, write_copy(env, value)?))
        }
        _ => write_packed(env, packed),
    }
}

fn write_copy(env: Env, value: &Value) -> Result<sys::napi_value, Fault> {
    match value {
        Value::Whole(whole) => write_bytes(env, whole.view, whole.store.bytes().unwrap_or_default()),
        Value::Store(store) => match store.bytes() {
            Some(bytes) => write_bytes(env, ARRAY_BUFFER, bytes),
            None => write_ref(env, value),
        },
        Value::List(values) => write_list(env, values, write_copy),
        other => write_ref(env, other),
    }
}

fn write_list(
    env: Env,
    values: &[Value],
    write: fn(Env, &Value) -> Result<sys::napi_value, Fault>,
) -> Result<sys::napi_value, Fault> {
    let list = js::array(env)?;
    for (index, value) in values.iter().enumerate() {
        js::set_element(env, list, index as u32, write(env, value)?)?;
    }
    Ok(list)
}

/// Makes the value anew in an isolate.
pub(crate) fn write_ref(env: Env, value: &Value) -> Result<sys::napi_value, Fault> {
    match value {
        Value::Undefined => js::undefined(env),
        Value::Null => js::null(env),
        Value::Bool(flag) => js::boolean(env, *flag),
        Value::Number(number) => js::double(env, *number),
        Value::BigInt { negative, words } => js::bigint(env, *negative, words),
        Value::Text(text) => text.write(env),
        Value::Bytes { view, bytes } => write_bytes(env, *view, bytes),
        Value::Lent(lent) => write_bytes(env, lent.view, lent.bytes()),
        Value::Serialized(serialized) => write_bytes(env, UINT8_ARRAY, serialized.bytes()),
        Value::Port(PortRef(port_value)) => js::double(env, port_value.read()),
        Value::Whole(whole) => {
            let Whole { view, size, store } = &**whole;
            let buffer = store.open().ok_or_else(|| Fault::internal("a buffer could not be made"))?;
            js::view_of_all(env, *view, *size, buffer)
        }
        Value::Plain(plain) => plain.write(env),
        Value::Store(store) => store.open().ok_or_else(|| Fault::internal("a buffer could not be made")),
        Value::List(values) => write_list(env, values, write_ref),
        Value::Shared(_) => Err(Fault::internal("a shared value is no value by itself")),
        Value::Missing(bytes) => Err(Fault::no_memory(*bytes)),
    }
}
