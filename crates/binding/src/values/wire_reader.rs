//! The same, read: bytes that another process has written, whose code may be hostile.

use std::sync::Arc;
use std::time::Duration;

use crate::js::Fault;
use crate::values::bytes::{Bytes, Part};
use crate::values::text::{self, Text};
use crate::values::value::Value;
use crate::values::wire::tag;

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
///
/// A value for which there is no memory is read as [`Value::Missing`], and so is every value behind it. So is
/// one that lies behind the end of a body that was cut off because there was no memory for it.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    /// The body, if it is large.
    whole: Option<Arc<Vec<u8>>>,
    /// Whether only the beginning of the body is here.
    is_cut: bool,
    /// How many bytes there was no memory for, if that was so.
    lacks: Option<usize>,
}

pub(super) type Read<T> = Result<T, Malformed>;

impl<'a> Reader<'a> {
    pub(crate) fn new(body: &'a [u8]) -> Self {
        Reader { rest: body, whole: None, is_cut: false, lacks: None }
    }

    /// The same, of which only the beginning is here if `is_cut`.
    pub(crate) fn of_part(body: &'a [u8], is_cut: bool) -> Self {
        Reader { is_cut, ..Reader::new(body) }
    }

    /// Reads a body, and gives it to a value that is most of it.
    pub(crate) fn read_all<T>(body: Vec<u8>, read: impl FnOnce(&mut Reader<'_>) -> T) -> T {
        if body.len() < LARGE_BODY {
            return read(&mut Reader::new(&body));
        }
        let whole = Arc::new(body);
        read(&mut Reader { whole: Some(whole.clone()), ..Reader::new(&whole) })
    }

    /// Bytes of a value.
    pub(super) fn value_bytes(&mut self) -> Read<Bytes> {
        let bytes = self.bytes()?;
        match &self.whole {
            Some(whole) if bytes.len() > whole.len() / 2 => {
                let end = whole.len() - self.rest.len();
                let part = Part { whole: whole.clone(), range: end - bytes.len()..end };
                Ok(Bytes::Part(Box::new(part)))
            }
            _ => Ok(self.copied(bytes)?.into_vec().into()),
        }
    }

    /// There is no memory for so many bytes: nothing behind them is read.
    pub(super) fn lack<T>(&mut self, bytes: usize) -> Read<T> {
        self.rest = &[];
        self.lacks.get_or_insert(bytes);
        Err(Malformed)
    }

    /// What stands for a value that was not read for want of memory.
    pub(super) fn missing(&self) -> Read<Value> {
        self.lacks.map(Value::Missing).ok_or(Malformed)
    }

    pub(super) fn copied<T: Copy>(&mut self, list: &[T]) -> Read<Box<[T]>> {
        text::copied(list).map_or_else(|| self.lack(size_of_val(list)), Ok)
    }

    /// A list of so many.
    pub(crate) fn list<T>(
        &mut self,
        count: usize,
        mut read: impl FnMut(&mut Self) -> Read<T>,
    ) -> Read<Box<[T]>> {
        let mut list = Vec::new();
        for _ in 0..count {
            // By and by: the length may be a lie.
            if list.try_reserve(1).is_err() {
                return self.lack(count * size_of::<T>());
            }
            list.push(read(self)?);
        }
        Ok(list.into_boxed_slice())
    }

    fn take(&mut self, count: usize) -> Read<&'a [u8]> {
        match self.rest.split_at_checked(count) {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(taken)
            }
            None if self.is_cut => self.lack(count),
            None => Err(Malformed),
        }
    }

    fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| Malformed)
    }

    /// What was not read, for somebody else; whether that is cut off.
    pub(crate) fn rest_of_part(&self) -> (&'a [u8], bool) {
        (self.rest, self.is_cut)
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
    pub(crate) fn count(&mut self, least: usize) -> Read<usize> {
        let count = self.u32()? as usize;
        let is_there = self.is_cut || count.saturating_mul(least) <= self.rest.len();
        if is_there { Ok(count) } else { Err(Malformed) }
    }

    pub(super) fn text(&mut self) -> Read<Text> {
        let tag = self.u8()?;
        self.text_of(tag)
    }

    /// What a task is called, if there is memory for it.
    pub(crate) fn label(&mut self) -> Read<Option<Text>> {
        if !self.bool()? {
            return Ok(None);
        }
        let (tag, bytes) = (self.u8()?, self.bytes()?);
        let mut alone = Reader::new(bytes);
        let text = alone.text_in(tag, bytes);
        if alone.lacks.is_some() { Ok(None) } else { text.map(Some) }
    }

    pub(super) fn text_of(&mut self, tag: u8) -> Read<Text> {
        let bytes = self.bytes()?;
        self.text_in(tag, bytes)
    }

    fn text_in(&mut self, tag: u8, bytes: &[u8]) -> Read<Text> {
        match tag {
            tag::LATIN1 => Ok(Text::Latin1(self.copied(bytes)?)),
            tag::UTF16 if bytes.len().is_multiple_of(2) => {
                Ok(Text::Utf16(self.numbers(bytes.as_chunks::<2>().0, u16::from_le_bytes)?))
            }
            _ => Err(Malformed),
        }
    }

    pub(super) fn numbers<const N: usize, T>(
        &mut self,
        bytes: &[[u8; N]],
        number: fn([u8; N]) -> T,
    ) -> Read<Box<[T]>> {
        let mut numbers = Vec::new();
        if numbers.try_reserve_exact(bytes.len()).is_err() {
            return self.lack(bytes.len() * N);
        }
        numbers.extend(bytes.iter().map(|bytes| number(*bytes)));
        Ok(numbers.into_boxed_slice())
    }
}
