//! Values as bytes, for another process; what is read from there is checked, for its code may be hostile.
//!
//! Numbers are little-endian. What has a length says it first, as 64 bits for bytes and 32 for lists. A value
//! begins with its tag; a packed value with its form, which has to be one that this kind of value may have.
//! How long a value is its user chooses: so whatever writes one may find that there is no memory for it.

use std::sync::Arc;

use process::Part;

use crate::js::Fault;
use crate::values::failure;
use crate::values::text::{self, Text};
use crate::values::value::Packed;
use crate::values::wire_parts::LARGE;

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

/// Why a value cannot be written for another process.
#[derive(Debug)]
pub(crate) enum Unsendable {
    /// Only a thread of this process can be given it.
    Bound,
    /// There is no memory for so many bytes.
    NoMemory(usize),
}

impl Unsendable {
    /// The error of `what`.
    pub(crate) fn error(&self, what: &str) -> Arc<Packed> {
        match self {
            Unsendable::Bound => failure::unsendable(what),
            Unsendable::NoMemory(bytes) => failure::without_memory(*bytes),
        }
    }
}

impl From<Unsendable> for Fault {
    fn from(why: Unsendable) -> Fault {
        match why {
            Unsendable::Bound => Fault::internal("a value cannot leave its process"),
            Unsendable::NoMemory(bytes) => Fault::no_memory(bytes),
        }
    }
}

/// What stands before the bytes of a value, at most.
const HEAD: usize = 32;

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

    /// Makes room for so many bytes and for what stands before a value: what is written then needs no memory.
    pub(crate) fn room(&mut self, bytes: usize) -> Result<(), Unsendable> {
        let more = bytes.saturating_add(HEAD);
        let made = self.bytes.try_reserve(more).or_else(|_| self.bytes.try_reserve_exact(more));
        made.map_err(|_| Unsendable::NoMemory(bytes))
    }

    /// Bytes that somebody else keeps: a copy.
    pub(super) fn copied(&mut self, bytes: &[u8]) -> Result<(), Unsendable> {
        if bytes.len() < LARGE {
            self.room(bytes.len())?;
            self.bytes(bytes);
            return Ok(());
        }
        let copy = text::copied(bytes).ok_or(Unsendable::NoMemory(bytes.len()))?;
        self.part(Part::Bytes(copy.into_vec()));
        Ok(())
    }

    /// Bytes that are a part of their own.
    pub(super) fn part(&mut self, part: Part) {
        self.length(part.bytes().len());
        self.end_part();
        self.parts.push(part);
    }

    /// The same, unless they are few.
    pub(super) fn owned(&mut self, part: Part) -> Result<(), Unsendable> {
        if part.bytes().len() < LARGE {
            self.room(part.bytes().len())?;
            self.bytes(part.bytes());
        } else {
            self.part(part);
        }
        Ok(())
    }

    pub(super) fn text(&mut self, text: &Text) -> Result<(), Unsendable> {
        self.u8(tag_of(text));
        self.copied(text.memory())
    }

    /// What a task is called, if it is called anything. It is left out where there is no memory for it.
    pub(crate) fn label(&mut self, label: Option<&Text>) {
        let label = label.filter(|label| self.room(label.memory().len()).is_ok());
        self.option(label, |writer, label| {
            writer.u8(tag_of(label));
            writer.bytes(label.memory());
        });
    }

    pub(super) fn tagged(&mut self, tag: u8, bytes: &[u8]) -> Result<(), Unsendable> {
        self.u8(tag);
        self.copied(bytes)
    }
}

pub(super) fn tag_of(text: &Text) -> u8 {
    if matches!(text, Text::Utf16(_)) { tag::UTF16 } else { tag::LATIN1 }
}
