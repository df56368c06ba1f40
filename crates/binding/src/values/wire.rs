//! Values as bytes, for another process; what is read from there is checked, for its code may be hostile.
//!
//! Numbers are little-endian. What has a length says it first, as 64 bits for bytes and 32 for lists. A value
//! begins with its tag; a packed value with its form, which has to be one that this kind of value may have.

use std::sync::Arc;

use process::Part;

use crate::js::{ARRAY_BUFFER, View};
use crate::values::elements;
use crate::values::plain::Plain;
use crate::values::shared_use::SharedPlace;
use crate::values::text::Text;
use crate::values::value::{ArgList, Args, Packed, Value, Whole};

/// Bytes from here on are a part of their own, which is not copied.
pub(super) const LARGE: usize = 1 << 14;

pub(super) mod tag {
    pub(in crate::values) const UNDEFINED: u8 = 0;
    pub(in crate::values) const NULL: u8 = 1;
    pub(in crate::values) const FALSE: u8 = 2;
    pub(in crate::values) const TRUE: u8 = 3;
    pub(in crate::values) const NUMBER: u8 = 4;
    pub(in crate::values) const BIGINT: u8 = 5;
    pub(in crate::values) const LATIN1: u8 = 6;
    pub(in crate::values) const UTF16: u8 = 7;
    pub(in crate::values) const BYTES: u8 = 8;
    pub(in crate::values) const SERIALIZED: u8 = 9;
    pub(in crate::values) const PLAIN: u8 = 10;
    pub(in crate::values) const LIST: u8 = 11;
    pub(in crate::values) const SHARED: u8 = 12;
}

/// A value that only a thread of this process can be given.
#[derive(Debug)]
pub(crate) struct Unsendable;

/// The bytes of a value that is little else, if they are many.
pub(crate) fn large_bytes(value: &Value) -> Option<&[u8]> {
    let bytes = match value {
        Value::Bytes { bytes, .. } => bytes,
        Value::Whole(whole) => whole.store.bytes()?,
        Value::Store(store) => store.bytes()?,
        Value::Text(Text::LongLatin1(text)) => text.bytes(),
        Value::Serialized(serialized) => serialized.bytes(),
        _ => return None,
    };
    (bytes.len() >= LARGE).then_some(bytes)
}

/// Writes the body of one message.
#[derive(Default)]
pub(crate) struct Writer {
    parts: Vec<Part>,
    bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn finish(mut self) -> Vec<Part> {
        self.end_part();
        self.parts
    }

    /// Appends what another has written.
    pub(crate) fn append(&mut self, other: Writer) {
        self.end_part();
        self.parts.extend(other.finish());
    }

    /// The same.
    pub(crate) fn parts(&mut self, parts: Vec<Part>) {
        self.end_part();
        self.parts.extend(parts);
    }

    /// What was written, in parts that can be copied at little cost.
    pub(crate) fn finish_shared(self) -> Vec<Part> {
        let share = |part| match part {
            Part::Bytes(bytes) if bytes.len() >= LARGE => Part::Shared(Arc::new(bytes)),
            other => other,
        };
        self.finish().into_iter().map(share).collect()
    }

    fn end_part(&mut self) {
        if !self.bytes.is_empty() {
            self.parts.push(Part::Bytes(std::mem::take(&mut self.bytes)));
        }
    }

    pub(crate) fn u8(&mut self, number: u8) {
        self.bytes.push(number);
    }

    pub(crate) fn bool(&mut self, flag: bool) {
        self.u8(u8::from(flag));
    }

    pub(crate) fn u32(&mut self, number: u32) {
        self.bytes.extend_from_slice(&number.to_le_bytes());
    }

    pub(crate) fn i32(&mut self, number: i32) {
        self.u32(number.cast_unsigned());
    }

    pub(crate) fn u64(&mut self, number: u64) {
        self.bytes.extend_from_slice(&number.to_le_bytes());
    }

    pub(crate) fn f64(&mut self, number: f64) {
        self.u64(number.to_bits());
    }

    /// A number of seconds, or none.
    pub(crate) fn limit(&mut self, limit: Option<std::time::Duration>) {
        self.f64(limit.map_or(-1.0, |limit| limit.as_secs_f64()));
    }

    fn length(&mut self, length: usize) {
        self.u64(length as u64);
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn str(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    pub(crate) fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.bool(value.is_some());
        if let Some(value) = value {
            write(self, value);
        }
    }

    fn owned(&mut self, bytes: Vec<u8>) {
        self.length(bytes.len());
        if bytes.len() < LARGE {
            self.bytes.extend_from_slice(&bytes);
        } else {
            self.end_part();
            self.parts.push(Part::Bytes(bytes));
        }
    }

    pub(crate) fn text(&mut self, text: &Text) {
        match text {
            Text::Latin1(text) => self.tagged(tag::LATIN1, text),
            Text::LongLatin1(text) => self.tagged(tag::LATIN1, text.bytes()),
            Text::Utf16(text) => {
                self.u8(tag::UTF16);
                self.length(text.len() * 2);
                self.bytes.extend(text.iter().flat_map(|unit| unit.to_le_bytes()));
            }
        }
    }

    fn tagged(&mut self, tag: u8, bytes: &[u8]) {
        self.u8(tag);
        self.bytes(bytes);
    }

    /// A value, of which large bytes are not copied.
    pub(crate) fn value(&mut self, value: Value) -> Result<(), Unsendable> {
        match value {
            Value::Bytes { view, bytes } => {
                self.view(view);
                self.owned(bytes.into_vec());
                Ok(())
            }
            Value::Whole(whole) => self.whole(*whole),
            Value::List(values) => {
                self.u8(tag::LIST);
                self.u32(values.len() as u32);
                values.into_iter().try_for_each(|value| self.value(value))
            }
            Value::Store(store) => {
                let size = store.bytes().ok_or(Unsendable)?.len();
                self.whole(Whole { view: ARRAY_BUFFER, size, store })
            }
            other => self.value_ref(&other),
        }
    }

    fn view(&mut self, view: View) {
        self.u8(tag::BYTES);
        self.i32(view);
    }

    fn whole(&mut self, whole: Whole) -> Result<(), Unsendable> {
        let size = whole.store.bytes().ok_or(Unsendable)?.len();
        self.view(whole.view);
        self.length(size);
        self.end_part();
        self.parts.push(Part::Shared(Arc::new(whole.store)));
        Ok(())
    }

    /// A value that somebody else keeps.
    pub(crate) fn value_ref(&mut self, value: &Value) -> Result<(), Unsendable> {
        match value {
            Value::Undefined => self.u8(tag::UNDEFINED),
            Value::Null => self.u8(tag::NULL),
            Value::Bool(flag) => self.u8(if *flag { tag::TRUE } else { tag::FALSE }),
            Value::Number(number) => {
                self.u8(tag::NUMBER);
                self.f64(*number);
            }
            Value::BigInt { negative, words } => {
                self.u8(tag::BIGINT);
                self.bool(*negative);
                self.u32(words.len() as u32);
                words.iter().for_each(|word| self.u64(*word));
            }
            Value::Text(text) => self.text(text),
            Value::Bytes { view, bytes } => {
                self.view(*view);
                self.bytes(bytes);
            }
            Value::Whole(whole) => {
                self.view(whole.view);
                self.bytes(whole.store.bytes().ok_or(Unsendable)?);
            }
            Value::Lent(lent) => {
                self.view(lent.view);
                self.bytes(lent.bytes());
            }
            Value::Store(store) => {
                self.view(ARRAY_BUFFER);
                self.bytes(store.bytes().ok_or(Unsendable)?);
            }
            Value::Serialized(serialized) => self.tagged(tag::SERIALIZED, serialized.bytes()),
            Value::Plain(plain) => self.plain(plain),
            Value::List(values) => {
                self.u8(tag::LIST);
                self.u32(values.len() as u32);
                return values.iter().try_for_each(|value| self.value_ref(value));
            }
            // The value itself was sent before, under this number.
            Value::Shared(SharedPlace { place, value }) => {
                self.u8(tag::SHARED);
                self.u32(*place);
                self.u64(value.number());
            }
            Value::Port(_) => return Err(Unsendable),
        }
        Ok(())
    }

    /// The same, of which large bytes are a part that the caller makes: it has them and does not copy them.
    pub(crate) fn packed_kept(
        &mut self,
        packed: &Packed,
        part: impl FnOnce() -> Part,
    ) -> Result<(), Unsendable> {
        let Some(bytes) = large_bytes(&packed.value) else { return self.packed_ref(packed) };
        self.u8(packed.form);
        match &packed.value {
            Value::Bytes { view, .. } => self.view(*view),
            Value::Whole(whole) => self.view(whole.view),
            Value::Store(_) => self.view(ARRAY_BUFFER),
            Value::Text(_) => self.u8(tag::LATIN1),
            _ => self.u8(tag::SERIALIZED),
        }
        self.length(bytes.len());
        self.end_part();
        self.parts.push(part());
        Ok(())
    }

    fn plain(&mut self, plain: &Plain) {
        self.tagged(tag::PLAIN, plain.structure());
        self.bytes(elements::memory_of(plain.fractions()));
        for texts in plain.texts() {
            self.text(texts.joined());
            self.u32(texts.ends().len() as u32);
            texts.ends().iter().for_each(|end| self.u64(*end as u64));
        }
    }

    pub(crate) fn packed(&mut self, packed: Packed) -> Result<(), Unsendable> {
        self.u8(packed.form);
        self.value(packed.value)
    }

    pub(crate) fn packed_ref(&mut self, packed: &Packed) -> Result<(), Unsendable> {
        self.u8(packed.form);
        self.value_ref(&packed.value)
    }

    /// A value if there is one that can leave this process; read as an option.
    pub(crate) fn packed_if_able(&mut self, packed: Option<&Packed>) {
        let mut own = Writer::default();
        let is_written = packed.is_some_and(|packed| own.packed_ref(packed).is_ok());
        self.bool(is_written);
        if is_written {
            self.append(own);
        }
    }

    pub(crate) fn args(&mut self, args: Args) -> Result<(), Unsendable> {
        self.u8(args.form);
        match args.values {
            ArgList::None => self.u32(0),
            ArgList::One(value) => {
                self.u32(1);
                self.value(value)?;
            }
            ArgList::Many(values) => {
                self.u32(values.len() as u32);
                values.into_iter().try_for_each(|value| self.value(value))?;
            }
        }
        Ok(())
    }
}
