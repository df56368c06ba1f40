//! The bytes of a value.

use std::ops::{Deref, Range};
use std::sync::Arc;

/// Bytes in memory of their own, or a part of a message that they came in: large ones are not copied out of
/// it.
pub(crate) enum Bytes {
    Own(Vec<u8>),
    /// In a box, so that values stay small: these are few and large.
    Part(Box<Part>),
}

pub(crate) struct Part {
    pub(crate) whole: Arc<Vec<u8>>,
    pub(crate) range: Range<usize>,
}

impl Part {
    pub(crate) fn bytes(&self) -> &[u8] {
        // A range that is not in it would be a bug of the reader's: no bytes, then.
        self.whole.get(self.range.clone()).unwrap_or_default()
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Bytes::Own(bytes) => bytes,
            Bytes::Part(part) => part.bytes(),
        }
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Bytes {
        Bytes::Own(bytes)
    }
}
