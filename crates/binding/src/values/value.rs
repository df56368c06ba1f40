//! Values on their way between isolates: primitives and bytes as Rust values, everything else as
//! text or bytes that TypeScript has made of them. `form` says which; only TypeScript gives it a meaning.

use crate::engine::backing_store::BackingStore;
use crate::engine::serializer::Serialized;
use crate::js::{View, shared_numbers};
use crate::values::bytes::Bytes;
use crate::values::lent::Lent;
use crate::values::plain::Plain;
use crate::values::port::PortRef;
use crate::values::shared_use::SharedPlace;
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
        bytes: Bytes,
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
    /// A shared value, among arguments only: at which place.
    Shared(SharedPlace),
    /// What came from another process and had no room here: so many bytes, or more. Making it anew fails.
    Missing(usize),
}

impl Value {
    /// How many bytes were written for it; memory that is shared does not count.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Value::Undefined | Value::Null | Value::Bool(_) => 0,
            Value::Port(_) | Value::Shared(_) | Value::Missing(_) => 0,
            Value::Number(_) => size_of::<f64>(),
            Value::BigInt { words, .. } => size_of_val(&**words),
            Value::Text(text) => text.bytes(),
            Value::Bytes { bytes, .. } => bytes.len(),
            Value::Whole(whole) => whole.size,
            Value::Lent(lent) => lent.bytes().len(),
            Value::Store(store) => store.bytes().map_or(0, <[u8]>::len),
            Value::Serialized(serialized) => serialized.bytes().len(),
            Value::Plain(plain) => plain.bytes(),
            Value::List(values) => values.iter().map(Value::bytes).sum(),
        }
    }

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

shared_numbers! {
    /// The forms of values. The lowest three bits say how the addon has to treat the value; those above them
    /// only TypeScript gives a meaning, but for those that are named here (lib/values/codec.ts).
    pub(crate) FORMS = "": u8 {
        /// The bits of a form that say how the value is written.
        FORM_BITS = 7,
        /// Primitives, and bytes that are all of their buffer, or a whole view: as they are.
        FORM_AS_IS = 0,
        /// The text of JSON.
        FORM_JSON = 1,
        /// The bytes of V8's serializer.
        FORM_CLONED = 2,
        /// The number of a port value.
        FORM_PORT = 3,
        /// A list: the bytes of a serializer, then ArrayBuffers that move and SharedArrayBuffers.
        FORM_MOVED = 4,
        /// The number of what `write` has written.
        FORM_WRITTEN = 5,
        /// A value that was written, and that has been made anew.
        FORM_READ = 6,
        /// Bytes whose buffer moves.
        FORM_WHOLE = 7,
        /// Plain data as one text.
        FORM_COMPACT = FORM_JSON + 8,
        /// The number of what `keepPlain` has kept.
        FORM_PLAIN = FORM_WRITTEN + 8,

        /// Added to the form of the results of a chunk of calls.
        FORM_CHUNK = 16,
        /// Added to the form of an error's description (lib/errors/description.ts), or of a list of them.
        FORM_DESCRIPTION = 32,
        /// The description of an error as JSON.
        FORM_ERROR = FORM_DESCRIPTION | FORM_JSON,
        /// Added to the form of the results of a chunk of native calls, which is the same for all: a list of
        /// the error of the call that failed, or undefined, the milliseconds that the calls took, and the
        /// results before it.
        FORM_NATIVE_CHUNK = FORM_CHUNK | FORM_DESCRIPTION,
        /// The form of such results if all are numbers: then these are one array.
        FORM_NUMBERS = 1,

        /// Added to the form of arguments beside which there are shared values: these follow, and stand for
        /// places among them.
        FORM_WITH_SHARED = 128,

        /// Added to the form of what a task has thrown, by lib/worker.
        FORM_THREW = 64,
        /// Added to the form of a value of a stream, beside which there may be values of progress.
        FORM_YIELDED = FORM_CHUNK,
        /// In place of the forms of several such values, one after the other, that are numbers: one array.
        FORM_YIELDED_NUMBERS = FORM_YIELDED | FORM_DESCRIPTION,
        /// In place of a form: the task returned a promise; it settles by `settle(token, …)`.
        FORM_PENDING = 255,
    }
}

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

/// Whether shared values follow the arguments of this form.
pub(crate) fn has_shared(form: u8) -> bool {
    form & FORM_WITH_SHARED != 0
}

/// Whether a value is shared memory, or brings some along: then it cannot leave this process.
pub(crate) fn is_bound(value: &Value) -> bool {
    match value {
        Value::Store(store) => store.bytes().is_none(),
        Value::List(values) => values.iter().any(is_bound),
        _ => false,
    }
}

/// Whether a form's value is a list.
pub(crate) fn is_list(form: u8) -> bool {
    form & FORM_BITS == FORM_MOVED
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
