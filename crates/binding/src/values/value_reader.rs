//! Values, read from what another process has written.

use std::sync::Arc;

use crate::engine::serializer::Serialized;
use crate::js::{ARRAY_BUFFER, DATA_VIEW, FLOAT16_ARRAY, element_size};
use crate::values::failure;
use crate::values::plain::{JoinedTexts, Plain};
use crate::values::value::{self, Packed, Value};
use crate::values::wire::tag;
use crate::values::wire_reader::{Malformed, Read, Reader};

/// How deep lists may lie in each other: more than TypeScript makes.
const MOST_DEPTH: usize = 4;

impl Reader<'_> {
    /// A value; an error where there is no memory for it.
    pub(crate) fn whole_value(&mut self) -> Read<Value> {
        self.value_in(0)
    }

    fn value_in(&mut self, depth: usize) -> Read<Value> {
        Ok(match self.u8()? {
            tag::UNDEFINED => Value::Undefined,
            tag::NULL => Value::Null,
            tag::FALSE => Value::Bool(false),
            tag::TRUE => Value::Bool(true),
            tag::NUMBER => Value::Number(self.f64()?),
            tag::BIGINT => {
                let negative = self.bool()?;
                let count = self.count(8)?;
                Value::BigInt { negative, words: self.list(count, Reader::u64)? }
            }
            tag @ (tag::LATIN1 | tag::UTF16) => Value::Text(self.text_of(tag)?),
            tag::BYTES => {
                let view = self.i32()?;
                let is_view =
                    (0..=FLOAT16_ARRAY).contains(&view) || [ARRAY_BUFFER, DATA_VIEW].contains(&view);
                let bytes = self.value_bytes()?;
                if !is_view || !bytes.len().is_multiple_of(element_size(view)) {
                    return Err(Malformed);
                }
                Value::Bytes { view, bytes }
            }
            tag::SERIALIZED => {
                let bytes = self.bytes()?;
                let copy = Serialized::copy(bytes).map_or_else(|| self.lack(bytes.len()), Ok);
                Value::Serialized(copy?)
            }
            tag::PLAIN => Value::Plain(Box::new(self.plain()?)),
            tag::LIST if depth < MOST_DEPTH => {
                let count = self.count(1)?;
                Value::List(self.list(count, |reader| reader.value_in(depth + 1))?)
            }
            _ => return Err(Malformed),
        })
    }

    fn plain(&mut self) -> Read<Plain> {
        let structure = self.bytes()?;
        let structure = self.copied(structure)?;
        let fractions = self.bytes()?;
        if !fractions.len().is_multiple_of(8) {
            return Err(Malformed);
        }
        let fractions = self.numbers(fractions.as_chunks::<8>().0, f64::from_le_bytes)?;
        Ok(Plain::new(structure, fractions, [self.joined()?, self.joined()?]))
    }

    fn joined(&mut self) -> Read<JoinedTexts> {
        let joined = self.text()?;
        let count = self.count(8)?;
        Ok(JoinedTexts::new(joined, self.list(count, |reader| Ok(reader.u64()? as usize))?))
    }

    pub(crate) fn packed(&mut self) -> Read<Packed> {
        self.whole_packed().or_else(|Malformed| self.missing().map(Packed::as_is))
    }

    /// The same, of an error: in place of a missing one comes that there is no memory.
    pub(crate) fn error(&mut self) -> Read<Arc<Packed>> {
        match self.packed()? {
            Packed { value: Value::Missing(bytes), .. } => Ok(failure::without_memory(bytes)),
            packed => Ok(Arc::new(packed)),
        }
    }

    /// Why a task is stopped, if that is said and there is memory for it.
    pub(crate) fn reason(&mut self) -> Read<Option<Packed>> {
        let reason = self.option(Reader::packed)?;
        Ok(reason.filter(|packed| !matches!(packed.value, Value::Missing(_))))
    }

    fn whole_packed(&mut self) -> Read<Packed> {
        let form = self.u8()?;
        let value = self.whole_value()?;
        if is_of_form(form, &value) { Ok(Packed { form, value }) } else { Err(Malformed) }
    }
}

/// Whether a value can have this form: TypeScript takes a number of the form `FORM_WRITTEN`, for instance,
/// for that of something else.
pub(super) fn is_of_form(form: u8, value: &Value) -> bool {
    let is_native_chunk = form & value::FORM_NATIVE_CHUNK == value::FORM_NATIVE_CHUNK;
    match form & value::FORM_BITS {
        _ if value::has_shared(form) || form & value::FORM_THREW != 0 => false,
        _ if is_native_chunk => {
            matches!(value, Value::List(_)) && form & value::FORM_BITS <= value::FORM_CLONED
        }
        value::FORM_AS_IS => !matches!(value, Value::Serialized(_) | Value::Plain(_) | Value::List(_)),
        value::FORM_JSON => matches!(value, Value::Text(_)),
        value::FORM_CLONED => matches!(value, Value::Bytes { .. }),
        value::FORM_MOVED => matches!(value, Value::List(_)),
        value::FORM_WRITTEN => matches!(value, Value::Serialized(_) | Value::Plain(_)),
        value::FORM_WHOLE => matches!(value, Value::Bytes { .. }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use process::Part;

    use super::*;
    use crate::values::wire::Writer;
    use crate::values::wire_parts::LARGE;

    fn bytes_of(writer: Writer) -> Vec<u8> {
        let mut all = Vec::new();
        for part in writer.finish() {
            match part {
                Part::Bytes(bytes) => all.extend(bytes),
                Part::Shared(shared) => all.extend((*shared).as_ref()),
            }
        }
        all
    }

    fn sample() -> Vec<u8> {
        let mut writer = Writer::default();
        let list = Value::List(Box::new([
            Value::Bytes { view: 1, bytes: vec![7; LARGE + 1].into() },
            Value::BigInt { negative: true, words: Box::new([1, 2]) },
            Value::Text(String::from("\u{2713} text").into()),
            Value::Number(-0.0),
        ]));
        writer.packed(Packed { form: value::FORM_MOVED, value: list }).unwrap();
        bytes_of(writer)
    }

    #[test]
    fn a_value_is_read_as_it_was_written() {
        let bytes = sample();
        let mut reader = Reader::new(&bytes);
        let Packed { form, value: Value::List(values) } = reader.packed().unwrap() else { panic!() };
        assert_eq!((form, values.len(), reader.rest_of_part().0.len()), (value::FORM_MOVED, 4, 0));
        assert!(matches!(&values[0], Value::Bytes { view: 1, bytes } if bytes.len() == LARGE + 1));
        assert!(matches!(&values[1], Value::BigInt { negative: true, words } if **words == [1, 2]));
        assert!(matches!(values[3], Value::Number(number) if number.is_sign_negative()));
    }

    #[test]
    fn what_is_cut_off_or_changed_is_refused_or_read_and_never_panics() {
        let bytes = sample();
        for end in 0..64 {
            assert!(Reader::new(&bytes[..end]).packed().is_err());
        }
        let mut seed = 1_u32;
        for _ in 0..20_000 {
            let mut changed = bytes[..bytes.len().min(80)].to_vec();
            for _ in 0..3 {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let at = (seed >> 8) as usize % changed.len();
                changed[at] = (seed >> 24) as u8;
            }
            let _ = Reader::new(&changed).packed();
        }
    }

    #[test]
    fn a_form_that_the_value_cannot_have_is_refused() {
        for form in [value::FORM_WRITTEN, value::FORM_PLAIN, value::FORM_PORT, value::FORM_PENDING] {
            let mut writer = Writer::default();
            writer.packed(Packed { form, value: Value::Number(1.0) }).unwrap();
            assert!(Reader::new(&bytes_of(writer)).packed().is_err(), "{form}");
        }
    }

    #[test]
    fn a_value_behind_a_cut_is_missing_and_what_is_before_it_is_read() {
        let bytes = sample();
        let mut message = 7_u64.to_le_bytes().to_vec();
        message.extend_from_slice(&bytes);
        message.extend_from_slice(&bytes);
        for end in [8 + bytes.len(), 9 + bytes.len(), message.len() - 1] {
            let mut reader = Reader::of_part(&message[..end], true);
            assert_eq!(reader.u64().unwrap(), 7);
            assert!(matches!(reader.packed().unwrap().value, Value::List(_)));
            for _ in 0..2 {
                assert!(matches!(reader.packed().unwrap().value, Value::Missing(_)), "{end}");
            }
            assert!(reader.reason().is_err() && reader.u8().is_err());
            let error = Reader::of_part(&bytes[..9], true).error().unwrap();
            assert_eq!(error.form, value::FORM_ERROR);
        }
    }
}
