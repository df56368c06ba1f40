//! Frames on their way out, in pieces that are never joined.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::os::fd::BorrowedFd;

use crate::frame::{HEADER, header};
use crate::part::Part;
use crate::unix::socket;

/// How many pieces go into one call; what is over goes into the next.
const PIECES: usize = 32;

pub(crate) enum Piece {
    Header([u8; HEADER]),
    /// The part and the length that its frame's header was made with.
    Body(Part, usize),
}

impl Piece {
    /// What is left from `offset` on, or nothing if the part has another length than it had.
    fn rest(&self, offset: usize) -> Option<&[u8]> {
        match self {
            Piece::Header(bytes) => bytes.get(offset..),
            Piece::Body(part, length) => {
                let bytes = part.bytes();
                if bytes.len() == *length { bytes.get(offset..) } else { None }
            }
        }
    }

    fn length(&self) -> usize {
        match self {
            Piece::Header(_) => HEADER,
            Piece::Body(_, length) => *length,
        }
    }
}

/// A frame to be queued. It is made, and dropped where it cannot be sent, outside the lock.
pub(crate) struct Frame {
    header: [u8; HEADER],
    bodies: Vec<(Part, usize)>,
    length: usize,
}

impl Frame {
    /// Nothing if the body would be too long.
    pub(crate) fn new(kind: u8, parts: Vec<Part>) -> Option<Frame> {
        let mut length = 0usize;
        let mut bodies = Vec::with_capacity(parts.len());
        for part in parts {
            // Asked once: a shared part that says something else later ends the channel.
            let bytes = part.bytes().len();
            length = length.checked_add(bytes)?;
            if bytes > 0 {
                bodies.push((part, bytes));
            }
        }
        Some(Frame { header: header(kind, length)?, bodies, length })
    }
}

#[derive(Default)]
pub(crate) struct Outbox {
    pieces: VecDeque<Piece>,
    /// How much of the first piece is written.
    offset: usize,
    /// Bytes of all pieces that are not written.
    bytes: usize,
    /// Nothing can be written any more; whatever comes is dropped.
    closed: bool,
    /// Something was dropped that was queued: the peer has not had all that was sent.
    dropped: bool,
}

/// What became of a write.
pub(crate) enum Wrote {
    /// So many bytes; there may be room for more.
    Some(usize),
    /// Nothing is left to write.
    All,
    /// The socket is full.
    Full,
    /// The peer is gone.
    Gone,
}

impl Outbox {
    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    pub(crate) fn has_dropped(&self) -> bool {
        self.dropped
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn push(&mut self, frame: Frame) {
        self.bytes += HEADER + frame.length;
        self.pieces.push_back(Piece::Header(frame.header));
        self.pieces.extend(frame.bodies.into_iter().map(|(part, length)| Piece::Body(part, length)));
    }

    /// Writes once. Shared parts that are done are moved to `finished`: dropping them may run somebody's
    /// code, which must not happen under the lock of this.
    pub(crate) fn write(&mut self, socket: BorrowedFd<'_>, finished: &mut Vec<Part>) -> Wrote {
        if self.closed {
            return Wrote::Gone;
        }
        if self.pieces.is_empty() {
            return Wrote::All;
        }
        match self.write_once(socket) {
            Ok(written) => {
                self.advance(written, finished);
                Wrote::Some(written)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Wrote::Some(0),
            // ENOBUFS is how BSDs say that the kernel has no room just now.
            Err(error)
                if error.kind() == io::ErrorKind::WouldBlock
                    || error.raw_os_error() == Some(libc::ENOBUFS) =>
            {
                Wrote::Full
            }
            Err(_) => {
                // A frame may have been left half written: the peer must not wait for its rest.
                socket::end_writing(socket);
                self.close(finished);
                Wrote::Gone
            }
        }
    }

    fn write_once(&self, socket: BorrowedFd<'_>) -> io::Result<usize> {
        let mut slices = [IoSlice::new(&[]); PIECES];
        let mut count = 0;
        for (slice, piece) in slices.iter_mut().zip(&self.pieces) {
            let offset = if count == 0 { self.offset } else { 0 };
            let Some(rest) = piece.rest(offset) else {
                return Err(io::ErrorKind::InvalidData.into());
            };
            *slice = IoSlice::new(rest);
            count += 1;
        }
        socket::send(socket, &slices[..count])
    }

    fn advance(&mut self, written: usize, finished: &mut Vec<Part>) {
        self.bytes -= written;
        self.offset += written;
        while let Some(first) = self.pieces.front()
            && self.offset >= first.length()
        {
            self.offset -= first.length();
            if let Some(Piece::Body(part @ Part::Shared(_), _)) = self.pieces.pop_front() {
                finished.push(part);
            }
        }
    }

    /// Drops what is queued and whatever comes.
    pub(crate) fn close(&mut self, finished: &mut Vec<Part>) {
        self.closed = true;
        self.dropped |= self.bytes > 0;
        self.bytes = 0;
        self.offset = 0;
        finished.extend(self.pieces.drain(..).filter_map(|piece| match piece {
            Piece::Body(part @ Part::Shared(_), _) => Some(part),
            _ => None,
        }));
    }
}
