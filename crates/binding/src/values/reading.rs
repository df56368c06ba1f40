//! Values on their way out of an isolate.

use napi::sys;

use crate::engine::backing_store::{self, BackingStore};
use crate::js::{self, Env, Fault, View};
use crate::values::lent::Lent;
use crate::values::room;
use crate::values::text::Text;
use crate::values::value::{ArgList, Value, Whole, is_list, is_whole, is_written};
use crate::values::written::WrittenSlot;

/// How a value of the form 0 is read: `read`, `read_once`, or `read_whole`.
pub(crate) type Read = fn(Env, sys::napi_value) -> Result<Value, Fault>;

/// The arguments of a task.
pub(crate) fn read_args(env: Env, values: &[sys::napi_value], read: Read) -> Result<ArgList, Fault> {
    match values {
        [] => Ok(ArgList::None),
        [one] => read(env, *one).map(ArgList::One),
        many => {
            let mut list = js::with_room(many.len())?;
            for value in many {
                list.push(read(env, *value)?);
            }
            Ok(ArgList::Many(list.into_boxed_slice()))
        }
    }
}

/// From this size on a second copy costs more than a buffer object that is made only for its memory.
const MANY_BYTES: usize = 1 << 16;

/// Like `read`, for a value that is written once. Many bytes are copied right into the buffer that the
/// receiver gets: fresh memory costs as much as the copy, so there should be one of both on the way, not
/// two.
pub(crate) fn read_once(env: Env, value: sys::napi_value) -> Result<Value, Fault> {
    match js::type_of(env, value)? {
        sys::ValueType::napi_string => return Text::read(env, value, true).map(Value::Text),
        sys::ValueType::napi_object if backing_store::calls().is_some() => {}
        kind => return read_as(env, value, kind),
    }
    // SAFETY: a few bytes are copied before JavaScript runs; of many only the length is kept across it.
    let (view, data) = unsafe { js::get_bytes(env, value) }?;
    if data.len() < MANY_BYTES {
        return copied(env, value, view, data);
    }
    let size = data.len();
    room::require(env, size)?;
    let (buffer, memory) = js::new_buffer(env, size)?;
    // Once more, because code of the user's may have run.
    // SAFETY: copied before JavaScript runs.
    let (view, data) = unsafe { js::get_bytes(env, value) }?;
    if data.len() != size {
        return Err(Fault::internal("a buffer was changed while it was submitted"));
    }
    // SAFETY: the new buffer has `size` bytes at `memory`. A class of the user's may have given any buffer,
    // also the one that is copied: so the two may overlap.
    unsafe { std::ptr::copy(data.as_ptr(), memory, size) };
    // SAFETY: a live ArrayBuffer.
    let Some(store) = (unsafe { BackingStore::of(buffer, false) }) else {
        return copied(env, value, view, data);
    };
    js::detach(env, buffer)?;
    Ok(Value::Whole(Box::new(Whole { view, size, store })))
}

/// Like `read`, but takes the memory of bytes, which fill their buffer, without a copy. The caller has to
/// detach them.
pub(crate) fn read_whole(env: Env, value: sys::napi_value) -> Result<Value, Fault> {
    if js::type_of(env, value)? != sys::ValueType::napi_object {
        return read(env, value);
    }
    // SAFETY: only its length is used.
    let (view, data) = unsafe { js::get_bytes(env, value) }?;
    // SAFETY: bytes that lib/values/codec.ts sends in this way are of an ArrayBuffer.
    match unsafe { BackingStore::of(js::buffer_of(env, value)?, false) } {
        Some(store) => Ok(Value::Whole(Box::new(Whole { view, size: data.len(), store }))),
        None => read(env, value),
    }
}

/// Like `read`, but leaves bytes where they are. The caller has to see that their ArrayBuffer is detached
/// before JavaScript can write to it, or that the value is dropped by then.
pub(crate) fn read_lent(env: Env, value: sys::napi_value) -> Result<Value, Fault> {
    if js::type_of(env, value)? != sys::ValueType::napi_object {
        return read(env, value);
    }
    // First of all: this takes small arrays out of the heap, where they move.
    let buffer = js::buffer_of(env, value)?;
    // SAFETY: the store keeps the memory, and the caller detaches it from JavaScript.
    let (view, data) = unsafe { js::get_bytes(env, value) }?;
    if data.is_empty() {
        return read(env, value);
    }
    // SAFETY: bytes of native tasks are never shared memory (lib/tasks/native-arguments.ts).
    match unsafe { BackingStore::of(buffer, false) } {
        // SAFETY: the bytes are of this buffer, whose memory the store keeps; what the caller does about
        // JavaScript keeps it from writing to them.
        Some(store) => Ok(Value::Lent(Box::new(unsafe { Lent::new(view, data, store) }))),
        None => read(env, value),
    }
}

/// The elements of a Float64Array.
pub(crate) fn read_numbers(env: Env, array: sys::napi_value) -> Result<Box<[Value]>, Fault> {
    // SAFETY: copied before JavaScript runs.
    let (_, data) = unsafe { js::get_bytes(env, array) }?;
    let number =
        |bytes: &[u8]| bytes.try_into().map(f64::from_ne_bytes).map_or(Value::Undefined, Value::Number);
    let mut list = js::with_room(data.len() / size_of::<f64>())?;
    list.extend(data.chunks_exact(size_of::<f64>()).map(number));
    Ok(list.into_boxed_slice())
}

/// Detaches the buffer of bytes that were read as they are; nothing for primitives, and for what is detached.
pub(crate) fn detach_whole(env: Env, value: sys::napi_value) -> Result<(), Fault> {
    if js::type_of(env, value)? != sys::ValueType::napi_object {
        return Ok(());
    }
    let buffer = js::buffer_of(env, value)?;
    if js::is_detached(env, buffer)? { Ok(()) } else { js::detach(env, buffer) }
}

/// Copies a primitive, a string, or bytes out of the isolate.
pub(crate) fn read(env: Env, value: sys::napi_value) -> Result<Value, Fault> {
    read_as(env, value, js::type_of(env, value)?)
}

fn read_as(env: Env, value: sys::napi_value, kind: sys::napi_valuetype) -> Result<Value, Fault> {
    Ok(match kind {
        sys::ValueType::napi_undefined => Value::Undefined,
        sys::ValueType::napi_null => Value::Null,
        sys::ValueType::napi_boolean => Value::Bool(js::get_bool(env, value)?),
        sys::ValueType::napi_number => Value::Number(js::get_double(env, value)?),
        sys::ValueType::napi_string => Value::Text(Text::read(env, value, false)?),
        sys::ValueType::napi_bigint => {
            let (negative, words) = js::get_bigint(env, value)?;
            Value::BigInt { negative, words }
        }
        sys::ValueType::napi_object => {
            // SAFETY: copied before JavaScript runs.
            let (view, data) = unsafe { js::get_bytes(env, value) }?;
            copied(env, value, view, data)?
        }
        _ => return Err(Fault::internal("a value that cannot be sent as it is")),
    })
}

/// A copy of the bytes of a value. Fails where there is no memory for it, and if the buffer was detached
/// since TypeScript looked.
fn copied(env: Env, value: sys::napi_value, view: View, data: &[u8]) -> Result<Value, Fault> {
    if data.is_empty() && js::is_detached(env, js::buffer_of(env, value)?)? {
        return Err(Fault::internal("an ArrayBuffer was detached while it was submitted"));
    }
    let mut bytes = js::with_room(data.len())?;
    bytes.extend_from_slice(data);
    Ok(Value::Bytes { view, bytes: bytes.into() })
}

/// Copies, or with its list moves, a value that TypeScript has packed. With `detach` the moved buffers are
/// detached at once. What was written is in the isolate's slot.
pub(crate) fn read_packed(
    env: Env,
    written: &WrittenSlot,
    form: u8,
    value: sys::napi_value,
    detach: bool,
) -> Result<Value, Fault> {
    if is_written(form) {
        return written.take(js::get_u32(env, value)?);
    }
    if is_whole(form) {
        let whole = read_whole(env, value)?;
        detach_whole(env, value)?;
        return Ok(whole);
    }
    if !is_list(form) {
        return read_once(env, value);
    }
    let count = js::length(env, value)?;
    let mut list = js::with_room(count as usize)?;
    list.push(read(env, js::element(env, value, 0)?)?);
    for index in 1..count {
        list.push(read_buffer(env, js::element(env, value, index)?)?);
    }
    if detach {
        detach_all(env, value)?;
    }
    Ok(Value::List(list.into_boxed_slice()))
}

/// The same for what several may get, each of whom has to have memory of its own.
pub(crate) fn read_shared(
    env: Env,
    written: &WrittenSlot,
    form: u8,
    value: sys::napi_value,
) -> Result<Value, Fault> {
    if is_list(form) || is_written(form) || is_whole(form) {
        return read_packed(env, written, form, value, true);
    }
    read(env, value)
}

fn read_buffer(env: Env, buffer: sys::napi_value) -> Result<Value, Fault> {
    let is_shared = !js::is_arraybuffer(env, buffer)?;
    // SAFETY: lib/values/v8/transfer.ts puts nothing else into the list than buffers of the two classes.
    match unsafe { BackingStore::of(buffer, is_shared) } {
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
