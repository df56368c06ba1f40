//! Values on their way between isolates: primitives and bytes as Rust values, everything else as
//! text or bytes that TypeScript has made of them. `form` says which; only TypeScript gives it a meaning.

use crate::engine::backing_store::BackingStore;
use crate::engine::serializer::Serialized;
use crate::js::View;
use crate::values::lent::Lent;
use crate::values::plain::Plain;
use crate::values::port::PortRef;
use crate::values::text::Text;

/// Many bytes in memory that becomes the receiver's buffer: a copy, or moved. It can be written once.
pub(crate) struct Whole {
    pub(crate) view: View,
    pub(crate) size: usize,
    pub(crate) store: BackingStore,
}

/// A value that no isolate owns. Each task has room for two, so what is large is boxed.
pub(crate) enum Value {
    Undefined,
    Null,
    Bool(bool),
    Number(f64),
    BigInt {
        negative: bool,
        words: Box<[u64]>,
    },
    Text(Text),
    Bytes {
        view: View,
        bytes: Vec<u8>,
    },
    Whole(Box<Whole>),
    /// The bytes of an argument of a native task, in memory that has moved to it.
    Lent(Box<Lent>),
    /// The memory of a buffer that is moved or shared.
    Store(BackingStore),
    /// What V8's serializer has written.
    Serialized(Serialized),
    /// Plain data, taken apart.
    Plain(Box<Plain>),
    /// Bytes, and the buffers that they refer to.
    List(Box<[Value]>),
    /// A port value, by its number.
    Port(PortRef),
}

impl Value {
    /// About how many bytes its copy takes in the heap of an isolate, where the garbage collector moves it;
    /// primitives and short strings do not count, nor do bytes, which lie outside.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Value::Text(text) => text.weight(),
            Value::Serialized(serialized) => serialized.bytes().len(),
            Value::Plain(plain) => plain.weight(),
            Value::List(values) => values.iter().map(Value::weight).sum(),
            _ => 0,
        }
    }
}

// The forms of values, shared with lib/values/forms.ts. The lowest three bits say how the value is written;
// the others only TypeScript gives a meaning, but for those that are listed here.

/// The bits of a form that say how the value is written.
pub(crate) const FORM_BITS: u8 = 7;
/// Primitives and bytes, as they are.
pub(crate) const FORM_AS_IS: u8 = 0;
/// The bytes of a serializer.
pub(crate) const FORM_CLONED: u8 = 2;
/// The number of a port value.
const FORM_PORT: u8 = 3;
/// A list: the bytes of a serializer, then ArrayBuffers that move and SharedArrayBuffers.
const FORM_LIST: u8 = 4;
/// The number of what `write` has written.
const FORM_WRITTEN: u8 = 5;
/// A value that was written, and that has been made anew.
pub(crate) const FORM_READ: u8 = 6;
/// Bytes whose buffer moves.
const FORM_WHOLE: u8 = 7;

/// The description of an error as JSON (lib/errors/description.ts).
pub(crate) const FORM_ERROR: u8 = 33;
/// Added to the form of the results of a chunk of native calls, which is the same for all: a list of the
/// error of the call that failed, or undefined, and the results before it.
pub(crate) const FORM_CHUNK: u8 = 48;
/// The form of such results if all are numbers: then these are one array.
pub(crate) const FORM_NUMBERS: u8 = 1;

/// Added to the form of what a task has thrown, by lib/worker.
pub(crate) const FORM_THREW: u8 = 64;
/// In place of a form: the task returned a promise; it settles by `settle(token, …)`.
pub(crate) const FORM_PENDING: u8 = 255;

/// A value with the way in which TypeScript wrote it.
pub(crate) struct Packed {
    pub(crate) form: u8,
    pub(crate) value: Value,
}

impl Packed {
    pub(crate) fn as_is(value: Value) -> Packed {
        Packed { form: FORM_AS_IS, value }
    }
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

/// Whether a form's value is a port value.
pub(crate) fn is_on_port(form: u8) -> bool {
    form & FORM_BITS == FORM_PORT
}

/// Whether a form's value is a list.
pub(crate) fn is_list(form: u8) -> bool {
    form & FORM_BITS == FORM_LIST
}

/// Whether a form's value is bytes whose buffer moves.
pub(crate) fn is_whole(form: u8) -> bool {
    form & FORM_BITS == FORM_WHOLE
}

/// Whether a form's value is the number of what `write` has written.
pub(crate) fn is_written(form: u8) -> bool {
    form & FORM_BITS == FORM_WRITTEN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_small() {
        assert_eq!(size_of::<Value>(), 32);
        assert_eq!(size_of::<Packed>(), 40);
        assert_eq!(size_of::<Args>(), 40);
    }
}
