//! Values on their way between isolates: primitives and bytes as Rust values, everything else as
//! text or bytes that TypeScript has made of them. `form` says which; only TypeScript gives it a meaning.

use napi::sys;

use crate::clone::{self, Written};
use crate::engine;
use crate::isolate::IsolateState;
use crate::js::{self, Env, Fault};
use crate::parcel::Carried;
use crate::pooled::Pooled;
use crate::store::Store;

/// What a typed array or buffer is to be again when it arrives: N-API's numbers for typed arrays, and ours.
pub(crate) type View = i32;
pub(crate) const ARRAY_BUFFER: View = 100;
pub(crate) const DATA_VIEW: View = 101;
const UINT8: View = 1;

/// A value that no isolate owns.
pub(crate) enum Value {
    Undefined,
    Null,
    Bool(bool),
    Number(f64),
    BigInt {
        negative: bool,
        words: Box<[u64]>,
    },
    /// A string with no character above U+00FF, one byte each.
    Latin1(Box<[u8]>),
    Utf16(Box<[u16]>),
    /// Like `Latin1`, for a long one.
    LongLatin1(Pooled),
    Bytes {
        view: View,
        bytes: Vec<u8>,
    },
    /// A copy of many bytes, in memory that becomes the receiver's buffer. It can be written once.
    Copy {
        view: View,
        size: usize,
        store: Store,
    },
    /// The memory of a buffer that is moved or shared.
    Store(Store),
    /// What V8's serializer has written.
    Written(Written),
    /// Bytes, and the buffers that they refer to.
    List(Box<[Value]>),
    /// The number of what a MessagePort carries.
    Port(Carried),
}

/// The form whose value is a list: the bytes of a serializer, then ArrayBuffers that move and SharedArrayBuffers.
/// Shared with lib/codec.ts.
const FORM_LIST: u8 = 4;
/// The form whose value is the number of a parcel.
const FORM_PORT: u8 = 3;
/// The form of the bytes of a serializer.
const FORM_CLONED: u8 = 2;
/// The form whose value is the number of what `write` has written.
const FORM_WRITTEN: u8 = 5;
/// The form of a value that was written, and that has been made anew.
const FORM_READ: u8 = 6;
/// The bits of a form that say how the value is written.
const FORM_BITS: u8 = 7;

/// A value with the way in which TypeScript wrote it.
pub(crate) struct Packed {
    pub(crate) form: u8,
    pub(crate) value: Value,
}

/// The arguments of a task: as they are (`form` 0), or all of them written as one value.
pub(crate) struct Args {
    pub(crate) form: u8,
    pub(crate) values: ArgList,
}

/// Most tasks have one argument: no allocation for those.
pub(crate) enum ArgList {
    None,
    One(Value),
    Many(Box<[Value]>),
}

impl ArgList {
    pub(crate) fn as_slice(&self) -> &[Value] {
        match self {
            ArgList::None => &[],
            ArgList::One(value) => std::slice::from_ref(value),
            ArgList::Many(values) => values,
        }
    }
}

/// The arguments of a task, to be written `once` in an isolate, or read by a native task.
pub(crate) fn read_args(env: Env, values: &[sys::napi_value], once: bool) -> Result<ArgList, Fault> {
    let read = if once { read_once } else { read };
    match values {
        [] => Ok(ArgList::None),
        [one] => read(env, *one).map(ArgList::One),
        many => many.iter().map(|value| read(env, *value)).collect::<Result<_, _>>().map(ArgList::Many),
    }
}

/// From this size on a second copy costs more than a buffer object that nobody will see.
const MANY_BYTES: usize = 1 << 16;

/// Like `read`, for a value that is written once. Many bytes are copied right into the buffer that the receiver gets:
/// fresh memory costs as much as the copy, so there should be one of both on the way, not two.
pub(crate) fn read_once(env: Env, value: sys::napi_value) -> Result<Value, Fault> {
    match js::type_of(env, value)? {
        sys::ValueType::napi_string => return js::get_string(env, value, true),
        sys::ValueType::napi_object if engine::stores().is_some() => {}
        _ => return read(env, value),
    }
    let (view, data) = js::get_bytes(env, value)?;
    if data.len() < MANY_BYTES {
        return Ok(Value::Bytes { view, bytes: data.to_vec() });
    }
    let size = data.len();
    let buffer = js::buffer_with(env, data)?;
    // SAFETY: a live ArrayBuffer.
    let Some(store) = (unsafe { Store::of(buffer, false) }) else {
        return Ok(Value::Bytes { view, bytes: data.to_vec() });
    };
    js::detach(env, buffer)?;
    Ok(Value::Copy { view, size, store })
}

/// Copies a primitive, a string, or bytes out of the isolate.
pub(crate) fn read(env: Env, value: sys::napi_value) -> Result<Value, Fault> {
    Ok(match js::type_of(env, value)? {
        sys::ValueType::napi_undefined => Value::Undefined,
        sys::ValueType::napi_null => Value::Null,
        sys::ValueType::napi_boolean => Value::Bool(js::get_bool(env, value)?),
        sys::ValueType::napi_number => Value::Number(js::get_double(env, value)?),
        sys::ValueType::napi_string => js::get_string(env, value, false)?,
        sys::ValueType::napi_bigint => {
            let (negative, words) = js::get_bigint(env, value)?;
            Value::BigInt { negative, words }
        }
        sys::ValueType::napi_object => {
            let (view, data) = js::get_bytes(env, value)?;
            Value::Bytes { view, bytes: data.to_vec() }
        }
        _ => return Err(Fault::internal("a value that cannot be sent as it is")),
    })
}

/// Copies, or with its list moves, a value that TypeScript has packed. With `detach` the moved buffers are detached
/// at once.
pub(crate) fn read_packed(
    state: &IsolateState,
    form: u8,
    value: sys::napi_value,
    detach: bool,
) -> Result<Value, Fault> {
    let env = state.env;
    if is_written(form) {
        return state.take_written(js::get_u32(env, value)?).map(Value::Written);
    }
    if !is_list(form) {
        return read(env, value);
    }
    let count = js::length(env, value)?;
    let mut list = Vec::with_capacity(count as usize);
    list.push(read(env, js::element(env, value, 0)?)?);
    for index in 1..count {
        list.push(read_buffer(env, js::element(env, value, index)?)?);
    }
    if detach {
        detach_all(env, value)?;
    }
    Ok(Value::List(list.into_boxed_slice()))
}

fn read_buffer(env: Env, buffer: sys::napi_value) -> Result<Value, Fault> {
    let is_shared = !js::is_arraybuffer(env, buffer)?;
    // SAFETY: lib/moved.ts puts nothing else into the list than buffers of the two classes.
    match unsafe { Store::of(buffer, is_shared) } {
        Some(store) => Ok(Value::Store(store)),
        None if is_shared => Err(Fault::internal("shared memory cannot be sent on this runtime")),
        None => read(env, buffer),
    }
}

/// Detaches the ArrayBuffers of a list, which now belong to the receiver.
pub(crate) fn detach_all(env: Env, list: sys::napi_value) -> Result<(), Fault> {
    for index in 1..js::length(env, list)? {
        let buffer = js::element(env, list, index)?;
        if js::is_arraybuffer(env, buffer)? {
            js::detach(env, buffer)?;
        }
    }
    Ok(())
}

/// Whether a form's value is carried by a MessagePort.
pub(crate) fn is_carried(form: u8) -> bool {
    form & FORM_BITS == FORM_PORT
}

/// Whether a form's value is a list.
pub(crate) fn is_list(form: u8) -> bool {
    form & FORM_BITS == FORM_LIST
}

/// Whether a form's value is the number of what `write` has written.
pub(crate) fn is_written(form: u8) -> bool {
    form & FORM_BITS == FORM_WRITTEN
}

/// Makes a packed value anew in an isolate, and says in which form TypeScript gets it.
pub(crate) fn write_packed(env: Env, packed: &Packed) -> Result<(u8, sys::napi_value), Fault> {
    write_form(env, packed.form, &packed.value)
}

/// As `write_packed`, for a value of this form.
pub(crate) fn write_form(env: Env, form: u8, value: &Value) -> Result<(u8, sys::napi_value), Fault> {
    let Value::Written(written) = value else { return Ok((form, write_ref(env, value)?)) };
    let flags = form & !FORM_BITS;
    // SAFETY: this thread is in the isolate of `env`, in a callback: its context is entered, and a handle scope open.
    match unsafe { clone::read(written) } {
        Some(value) => Ok((flags | FORM_READ, value)),
        // TypeScript will fail as well, where errors of reading belong.
        None => Ok((flags | FORM_CLONED, write_ref(env, value)?)),
    }
}

/// Makes the value anew in an isolate.
pub(crate) fn write_ref(env: Env, value: &Value) -> Result<sys::napi_value, Fault> {
    match value {
        Value::Undefined => js::undefined(env),
        Value::Null => js::null(env),
        Value::Bool(flag) => js::boolean(env, *flag),
        Value::Number(number) => js::double(env, *number),
        Value::BigInt { negative, words } => js::bigint(env, *negative, words),
        Value::Latin1(text) => js::string_latin1(env, text),
        Value::Utf16(text) => js::string_utf16(env, text),
        Value::LongLatin1(text) => js::string_latin1(env, text.bytes()),
        Value::Bytes { view, bytes } => js::bytes(env, *view, bytes),
        Value::Written(written) => js::bytes(env, UINT8, written.bytes()),
        Value::Port(Carried(parcel)) => js::double(env, parcel.read()),
        Value::Copy { view, size, store } => {
            let buffer = store.open().ok_or_else(|| Fault::internal("a buffer could not be made"))?;
            js::view_of_all(env, *view, *size, buffer)
        }
        Value::Store(store) => store.open().ok_or_else(|| Fault::internal("a buffer could not be made")),
        Value::List(values) => {
            let list = js::array(env)?;
            for (index, value) in values.iter().enumerate() {
                js::set_element(env, list, index as u32, write_ref(env, value)?)?;
            }
            Ok(list)
        }
    }
}
