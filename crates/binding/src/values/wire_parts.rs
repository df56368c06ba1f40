//! Memory of values that becomes part of a message as it is: nothing of it is copied, so that none is needed.
//!
//! Numbers go as they lie in memory, which is little-endian on whatever the package runs on.

use std::sync::Arc;

use process::Part;

use crate::engine::serializer::Serialized;
use crate::values::bytes;
use crate::values::elements::{Pod, memory_of};
use crate::values::recycled::Recycled;
use crate::values::text::Text;
use crate::values::value::Value;

/// Bytes from here on are a part of their own, which is not copied.
pub(super) const LARGE: usize = 1 << 14;

struct Numbers<T>(Box<[T]>);

impl<T: Pod> AsRef<[u8]> for Numbers<T> {
    fn as_ref(&self) -> &[u8] {
        memory_of(&self.0)
    }
}

impl AsRef<[u8]> for Recycled {
    fn as_ref(&self) -> &[u8] {
        self.bytes()
    }
}

impl AsRef<[u8]> for Serialized {
    fn as_ref(&self) -> &[u8] {
        self.bytes()
    }
}

impl AsRef<[u8]> for bytes::Part {
    fn as_ref(&self) -> &[u8] {
        self.bytes()
    }
}

fn shared(memory: impl AsRef<[u8]> + Send + Sync + 'static) -> Part {
    Part::Shared(Arc::new(memory))
}

pub(super) fn of_numbers<T: Pod + Send + Sync + 'static>(numbers: Box<[T]>) -> Part {
    shared(Numbers(numbers))
}

pub(super) fn of_text(text: Text) -> Part {
    match text {
        Text::Latin1(text) => Part::Bytes(text.into_vec()),
        Text::LongLatin1(text) => shared(text),
        Text::Utf16(text) => of_numbers(text),
    }
}

pub(super) fn of_bytes(bytes: bytes::Bytes) -> Part {
    match bytes {
        bytes::Bytes::Own(bytes) => Part::Bytes(bytes),
        bytes::Bytes::Part(part) => shared(*part),
    }
}

pub(super) fn of_serialized(serialized: Serialized) -> Part {
    shared(serialized)
}

/// The bytes of a value that is little else, if they are many.
pub(crate) fn large_bytes(value: &Value) -> Option<&[u8]> {
    let bytes = match value {
        Value::Bytes { bytes, .. } => bytes,
        Value::Whole(whole) => whole.store.bytes()?,
        Value::Store(store) => store.bytes()?,
        Value::Text(text) => text.memory(),
        Value::Serialized(serialized) => serialized.bytes(),
        _ => return None,
    };
    (bytes.len() >= LARGE).then_some(bytes)
}
