//! Values, written for another process.

use std::sync::Arc;

use process::Part;

use crate::js::{ARRAY_BUFFER, View};
use crate::values::elements;
use crate::values::plain::Plain;
use crate::values::shared_use::SharedPlace;
use crate::values::value::{ArgList, Args, Packed, Value, Whole};
use crate::values::wire::{Unsendable, Writer, tag, tag_of};
use crate::values::wire_parts::{self, large_bytes};

impl Writer {
    /// A value, of which large bytes are not copied.
    pub(crate) fn value(&mut self, value: Value) -> Result<(), Unsendable> {
        self.room(0)?;
        match value {
            Value::Bytes { view, bytes } => {
                self.view(view);
                self.owned(wire_parts::of_bytes(bytes))
            }
            Value::Text(text) => {
                self.u8(tag_of(&text));
                self.owned(wire_parts::of_text(text))
            }
            Value::Serialized(serialized) => {
                self.u8(tag::SERIALIZED);
                self.owned(wire_parts::of_serialized(serialized))
            }
            Value::Plain(plain) => self.plain(*plain),
            Value::Whole(whole) => self.whole(*whole),
            Value::List(values) => {
                self.u8(tag::LIST);
                self.u32(values.len() as u32);
                values.into_iter().try_for_each(|value| self.value(value))
            }
            Value::Store(store) => {
                let size = store.bytes().ok_or(Unsendable::Bound)?.len();
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
        whole.store.bytes().ok_or(Unsendable::Bound)?;
        self.view(whole.view);
        self.part(Part::Shared(Arc::new(whole.store)));
        Ok(())
    }

    /// A value that somebody else keeps.
    pub(crate) fn value_ref(&mut self, value: &Value) -> Result<(), Unsendable> {
        self.room(0)?;
        match value {
            Value::Undefined => self.u8(tag::UNDEFINED),
            Value::Null => self.u8(tag::NULL),
            Value::Bool(flag) => self.u8(if *flag { tag::TRUE } else { tag::FALSE }),
            Value::Number(number) => {
                self.u8(tag::NUMBER);
                self.f64(*number);
            }
            Value::BigInt { negative, words } => {
                self.room(size_of_val(&**words))?;
                self.u8(tag::BIGINT);
                self.bool(*negative);
                self.u32(words.len() as u32);
                words.iter().for_each(|word| self.u64(*word));
            }
            Value::Text(text) => self.text(text)?,
            Value::Bytes { view, bytes } => self.viewed(*view, Some(bytes))?,
            Value::Whole(whole) => self.viewed(whole.view, whole.store.bytes())?,
            Value::Lent(lent) => self.viewed(lent.view, Some(lent.bytes()))?,
            Value::Store(store) => self.viewed(ARRAY_BUFFER, store.bytes())?,
            Value::Serialized(serialized) => self.tagged(tag::SERIALIZED, serialized.bytes())?,
            Value::Plain(plain) => self.plain_ref(plain)?,
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
            Value::Port(_) => return Err(Unsendable::Bound),
            Value::Missing(bytes) => return Err(Unsendable::NoMemory(*bytes)),
        }
        Ok(())
    }

    fn viewed(&mut self, view: View, bytes: Option<&[u8]>) -> Result<(), Unsendable> {
        let bytes = bytes.ok_or(Unsendable::Bound)?;
        self.view(view);
        self.copied(bytes)
    }

    /// The same, of which large bytes are a part that the caller makes: it has them and does not copy them.
    pub(crate) fn packed_kept(
        &mut self,
        packed: &Packed,
        part: impl FnOnce() -> Part,
    ) -> Result<(), Unsendable> {
        if large_bytes(&packed.value).is_none() {
            return self.packed_ref(packed);
        }
        self.u8(packed.form);
        match &packed.value {
            Value::Bytes { view, .. } => self.view(*view),
            Value::Whole(whole) => self.view(whole.view),
            Value::Store(_) => self.view(ARRAY_BUFFER),
            Value::Text(text) => self.u8(tag_of(text)),
            _ => self.u8(tag::SERIALIZED),
        }
        self.part(part());
        Ok(())
    }

    fn plain(&mut self, plain: Plain) -> Result<(), Unsendable> {
        let (structure, fractions, texts) = plain.into_parts();
        self.u8(tag::PLAIN);
        self.owned(Part::Bytes(structure.into_vec()))?;
        self.owned(wire_parts::of_numbers(fractions))?;
        for texts in texts {
            let (joined, ends) = texts.into_parts();
            self.value(Value::Text(joined))?;
            self.ends(&ends)?;
        }
        Ok(())
    }

    fn plain_ref(&mut self, plain: &Plain) -> Result<(), Unsendable> {
        self.tagged(tag::PLAIN, plain.structure())?;
        self.copied(elements::memory_of(plain.fractions()))?;
        for texts in plain.texts() {
            self.room(0)?;
            self.text(texts.joined())?;
            self.ends(texts.ends())?;
        }
        Ok(())
    }

    fn ends(&mut self, ends: &[usize]) -> Result<(), Unsendable> {
        self.room(size_of_val(ends))?;
        self.u32(ends.len() as u32);
        ends.iter().for_each(|end| self.u64(*end as u64));
        Ok(())
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

    /// An error, or the one that says why it cannot be written.
    pub(crate) fn error(&mut self, error: &Packed) {
        let mut own = Writer::default();
        if let Err(why) = own.packed_ref(error) {
            own = Writer::default();
            // It is short.
            let _ = own.packed_ref(&why.error("the error"));
        }
        self.append(own);
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
