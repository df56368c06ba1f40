//! Why a kernel gives no result. The variants are the classes that a JavaScript caller tells apart.

use crate::control::Stopped;
use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KernelError {
    /// `Control::check` said so.
    Stopped,
    /// An argument of the wrong kind: a `TypeError` in JavaScript.
    Type(String),
    /// An argument of the right kind whose value is out of bounds: a `RangeError`.
    Range(String),
    /// The input is damaged, truncated or empty, or not of the format at all.
    Corrupt(String),
    /// The output would be longer than the caller allowed. Nothing beyond `limit` bytes was allocated.
    TooLarge { limit: usize },
    /// The system refused the memory for the result or for the work on it.
    OutOfMemory,
    /// The system refused something else.
    System(String),
}

impl fmt::Display for KernelError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped => Stopped.fmt(formatter),
            Self::Type(message) | Self::Range(message) | Self::Corrupt(message) | Self::System(message) => {
                formatter.write_str(message)
            }
            Self::TooLarge { limit } => {
                write!(formatter, "the output is longer than maxOutputLength ({limit} bytes)")
            }
            Self::OutOfMemory => formatter.write_str("out of memory"),
        }
    }
}

impl std::error::Error for KernelError {}

impl From<Stopped> for KernelError {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}
