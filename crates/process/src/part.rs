//! Bytes to be sent, owned or shared.

use std::fmt;
use std::sync::Arc;

/// A piece of a frame's body. The pieces of a body are written one after the other without being joined.
#[derive(Clone)]
pub enum Part {
    Bytes(Vec<u8>),
    /// Must give the same bytes each time it is asked: it is asked once a write, and its length goes ahead in
    /// the header. One that changes its length ends the channel. It is asked under the channel's lock, so it
    /// must not use the channel.
    Shared(Arc<dyn AsRef<[u8]> + Send + Sync>),
}

impl Part {
    pub fn bytes(&self) -> &[u8] {
        match self {
            Part::Bytes(bytes) => bytes,
            Part::Shared(bytes) => (**bytes).as_ref(),
        }
    }
}

impl From<Vec<u8>> for Part {
    fn from(bytes: Vec<u8>) -> Part {
        Part::Bytes(bytes)
    }
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Part::Bytes(_) => "Bytes",
            Part::Shared(_) => "Shared",
        };
        write!(f, "{name}({} bytes)", self.bytes().len())
    }
}
