//! What the pool's process has answered to a request of a child.

use std::ops::Deref;

use crate::js::Fault;
use crate::values::text::copied;
use crate::values::wire_reader::Reader;

/// What is kept of an answer for which there is no memory.
const HEAD: usize = 4 << 10;

pub(crate) struct Answer {
    body: Box<[u8]>,
    is_cut: bool,
}

impl Answer {
    pub(super) fn new(reader: &Reader<'_>) -> Answer {
        let (rest, is_cut) = reader.rest_of_part();
        match copied(rest) {
            Some(body) => Answer { body, is_cut },
            None => Answer { body: rest[..rest.len().min(HEAD)].into(), is_cut: true },
        }
    }

    pub(crate) fn reader(&self) -> Reader<'_> {
        Reader::of_part(&self.body, self.is_cut)
    }
}

impl Deref for Answer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.body
    }
}

/// The pool's process has not answered.
#[derive(Debug)]
pub(crate) struct NoAnswer;

impl From<NoAnswer> for Fault {
    fn from(_: NoAnswer) -> Fault {
        Fault::internal("the process of the pool does not answer")
    }
}
