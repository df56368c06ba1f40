//! What a poll of the channel may say.

use crate::frame::FrameError;

/// What happened. Frames that were already read come before anything else.
#[derive(Debug, PartialEq, Eq)]
pub enum Polled {
    Frame {
        kind: u8,
        body: Vec<u8>,
    },
    /// A frame for whose body there was no memory: only its beginning is here.
    Cut {
        kind: u8,
        head: Vec<u8>,
    },
    /// Somebody called `Channel::wake` since the last `Woken`.
    Woken,
    /// The child is dead, and all that it had sent before was delivered. Said at every poll from now on.
    Exited,
    /// The stream ended between two frames. Said once when a child is polled along, because its `Exited`
    /// follows; at every poll when none is.
    Closed,
    /// The stream carried something that is not ours, or ended within a frame. Nothing more is read or
    /// written; what `Closed` says of the polls afterwards holds here too.
    Bad(FrameError),
    TimedOut,
}
