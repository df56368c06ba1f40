//! The same, read: bytes that another process has written, whose code may be hostile.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::serializer::Serialized;
use crate::js::{ARRAY_BUFFER, DATA_VIEW, FLOAT16_ARRAY, Fault, element_size};
use crate::values::bytes::{Bytes, Part};
use crate::values::plain::{JoinedTexts, Plain};
use crate::values::text::Text;
use crate::values::value::{self, Packed, Value};
use crate::values::wire::tag;

/// How deep lists may lie in each other: more than TypeScript makes.
const MOST_DEPTH: usize = 4;

/// What was read is none of what can have been written.
#[derive(Debug)]
pub(crate) struct Malformed;

impl From<Malformed> for Fault {
    fn from(_: Malformed) -> Fault {
        Fault::internal("what another process has said cannot be read")
    }
}

/// Of a body from this length on the bytes of a value that are most of it stay in it.
const LARGE_BODY: usize = 64 << 10;

/// Reads the body of one message.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    /// The body, if it is large.
    whole: Option<Arc<Vec<u8>>>,
}

pub(super) type Read<T> = Result<T, Malformed>;

impl<'a> Reader<'a> {
    pub(crate) fn new(body: &'a [u8]) -> Self {
        Reader { rest: body, whole: None }
    }

    /// Reads a body, and gives it to a value that is most of it.
    pub(crate) fn read_all<T>(body: Vec<u8>, read: impl FnOnce(&mut Reader<'_>) -> T) -> T {
        if body.len() < LARGE_BODY {
            return read(&mut Reader::new(&body));
        }
        let whole = Arc::new(body);
        read(&mut Reader { rest: &whole, whole: Some(whole.clone()) })
    }

    /// Bytes of a value.
    fn value_bytes(&mut self) -> Read<Bytes> {
        let bytes = self.bytes()?;
        match &self.whole {
            Some(whole) if bytes.len() > whole.len() / 2 => {
                let end = whole.len() - self.rest.len();
                let part = Part { whole: whole.clone(), range: end - bytes.len()..end };
                Ok(Bytes::Part(Box::new(part)))
            }
            _ => Ok(bytes.to_vec().into()),
        }
    }

    fn take(&mut self, count: usize) -> Read<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Malformed)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| Malformed)
    }

    /// What was not read.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn u8(&mut self) -> Read<u8> {
        Ok(self.array::<1>()?[0])
    }

    pub(crate) fn bool(&mut self) -> Read<bool> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed),
        }
    }

    pub(crate) fn u32(&mut self) -> Read<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(crate) fn i32(&mut self) -> Read<i32> {
        Ok(self.u32()?.cast_signed())
    }

    pub(crate) fn u64(&mut self) -> Read<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    pub(crate) fn f64(&mut self) -> Read<f64> {
        Ok(f64::from_bits(self.u64()?))
    }

    /// A number of seconds, or none.
    pub(crate) fn limit(&mut self) -> Read<Option<Duration>> {
        let seconds = self.f64()?;
        if seconds < 0.0 {
            return Ok(None);
        }
        let limit = Duration::try_from_secs_f64(seconds);
        if seconds.is_nan() { Err(Malformed) } else { Ok(Some(limit.unwrap_or(Duration::MAX))) }
    }

    pub(crate) fn bytes(&mut self) -> Read<&'a [u8]> {
        let length = usize::try_from(self.u64()?).map_err(|_| Malformed)?;
        self.take(length)
    }

    pub(crate) fn str(&mut self) -> Read<&'a str> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Malformed)
    }

    pub(crate) fn option<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<Option<T>> {
        if self.bool()? { read(self).map(Some) } else { Ok(None) }
    }

    /// How many items follow, of so many bytes at least: a length that cannot be allocates nothing.
    pub(super) fn count(&mut self, least: usize) -> Read<usize> {
        let count = self.u32()? as usize;
        if count.saturating_mul(least) > self.rest.len() { Err(Malformed) } else { Ok(count) }
    }

    pub(crate) fn text(&mut self) -> Read<Text> {
        let tag = self.u8()?;
        self.text_of(tag)
    }

    fn text_of(&mut self, tag: u8) -> Read<Text> {
        let bytes = self.bytes()?;
        match tag {
            tag::LATIN1 => Ok(Text::Latin1(bytes.into())),
            tag::UTF16 if bytes.len().is_multiple_of(2) => {
                let units = bytes.as_chunks::<2>().0;
                Ok(Text::Utf16(units.iter().map(|unit| u16::from_le_bytes(*unit)).collect()))
            }
            _ => Err(Malformed),
        }
    }

    pub(crate) fn value(&mut self) -> Read<Value> {
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
                Value::BigInt { negative, words: (0..count).map(|_| self.u64()).collect::<Read<_>>()? }
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
            tag::SERIALIZED => Value::Serialized(Serialized::copy(self.bytes()?).ok_or(Malformed)?),
            tag::PLAIN => Value::Plain(Box::new(self.plain()?)),
            tag::LIST if depth < MOST_DEPTH => {
                let count = self.count(1)?;
                Value::List((0..count).map(|_| self.value_in(depth + 1)).collect::<Read<_>>()?)
            }
            _ => return Err(Malformed),
        })
    }

    fn plain(&mut self) -> Read<Plain> {
        let structure = self.bytes()?.into();
        let fractions = self.bytes()?;
        if !fractions.len().is_multiple_of(8) {
            return Err(Malformed);
        }
        let fractions = fractions.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
        Ok(Plain::new(structure, fractions, [self.joined()?, self.joined()?]))
    }

    fn joined(&mut self) -> Read<JoinedTexts> {
        let joined = self.text()?;
        let count = self.count(8)?;
        let ends = (0..count).map(|_| Ok(self.u64()? as f64)).collect::<Read<Vec<_>>>()?;
        Ok(JoinedTexts::new(joined, &ends))
    }

    pub(crate) fn packed(&mut self) -> Read<Packed> {
        let form = self.u8()?;
        let value = self.value()?;
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
    use crate::values::wire::{LARGE, Writer};

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
        assert_eq!((form, values.len(), reader.rest().len()), (value::FORM_MOVED, 4, 0));
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
}
