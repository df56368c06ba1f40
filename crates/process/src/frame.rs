//! A frame is a header of 16 bytes and a body.
//!
//! ```text
//! 0   magic "CFpx"     4   version    5   kind    6   two zero bytes
//! 8   length of the body, u32 little-endian       12  checksum of bytes 0..12, u32 little-endian
//! ```
//!
//! The checksum tells a foreign or damaged stream from ours before a length is believed. Bodies carry none: a
//! socket of the kernel loses nothing.

use std::fmt;

/// Bytes of a header.
pub const HEADER: usize = 16;

/// The longest body: what a u32 can say, less room for a header and for growth.
pub const MAX_BODY: usize = (u32::MAX - (1 << 20)) as usize;

const MAGIC: [u8; 4] = *b"CFpx";
const VERSION: u8 = 1;

/// Why a stream is not, or no longer, a stream of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// The bytes do not start with our magic, or the reserved ones are not zero.
    Foreign,
    /// A peer of another version.
    Version(u8),
    /// The header is damaged.
    Checksum,
    /// The body would be longer than the receiver takes.
    TooLong { length: usize, limit: usize },
    /// The stream ended within a frame.
    CutOff,
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameError::Foreign => write!(f, "bytes that are not a frame"),
            FrameError::Version(version) => write!(f, "a frame of version {version}, not {VERSION}"),
            FrameError::Checksum => write!(f, "a frame whose header is damaged"),
            FrameError::TooLong { length, limit } => {
                write!(f, "a frame of {length} bytes, which is over the limit of {limit}")
            }
            FrameError::CutOff => write!(f, "a frame that is cut off"),
        }
    }
}

impl std::error::Error for FrameError {}

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: u8,
    pub(crate) length: usize,
}

/// The header of a frame, or nothing if the body is longer than [`MAX_BODY`].
pub fn header(kind: u8, length: usize) -> Option<[u8; HEADER]> {
    if length > MAX_BODY {
        return None;
    }
    let mut bytes = [0; HEADER];
    bytes[..4].copy_from_slice(&MAGIC);
    bytes[4] = VERSION;
    bytes[5] = kind;
    bytes[8..12].copy_from_slice(&u32::try_from(length).ok()?.to_le_bytes());
    let sum = checksum(&bytes);
    bytes[12..].copy_from_slice(&sum.to_le_bytes());
    Some(bytes)
}

/// Reads a header from the front of `bytes`. `Ok(None)`: it has not arrived whole, and what has is ours.
pub(crate) fn parse(bytes: &[u8], limit: usize) -> Result<Option<Header>, FrameError> {
    let known = bytes.len().min(MAGIC.len());
    if bytes[..known] != MAGIC[..known] {
        return Err(FrameError::Foreign);
    }
    let Some(bytes) = bytes.first_chunk::<HEADER>() else {
        return Ok(None);
    };
    if checksum(bytes) != word(bytes, 12) {
        return Err(FrameError::Checksum);
    }
    if bytes[4] != VERSION {
        return Err(FrameError::Version(bytes[4]));
    }
    if bytes[6] != 0 || bytes[7] != 0 {
        return Err(FrameError::Foreign);
    }
    let length = word(bytes, 8) as usize;
    let limit = limit.min(MAX_BODY);
    if length > limit {
        return Err(FrameError::TooLong { length, limit });
    }
    Ok(Some(Header { kind: bytes[5], length }))
}

/// Mixes the first three words; each step is a bijection of the sum so far, so that no single damaged word
/// goes unseen.
fn checksum(bytes: &[u8; HEADER]) -> u32 {
    let mut sum: u32 = 0x9e37_79b9;
    for at in [0, 4, 8] {
        sum ^= word(bytes, at);
        sum = (sum ^ (sum >> 16)).wrapping_mul(0x85eb_ca6b);
        sum = (sum ^ (sum >> 13)).wrapping_mul(0xc2b2_ae35);
        sum ^= sum >> 16;
    }
    sum
}

fn word(bytes: &[u8; HEADER], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_says_what_was_put_into_it() {
        for length in [0, 1, 15, 65_536, MAX_BODY] {
            let bytes = header(7, length).unwrap();
            assert_eq!(parse(&bytes, usize::MAX), Ok(Some(Header { kind: 7, length })));
            for end in 0..HEADER {
                assert_eq!(parse(&bytes[..end], usize::MAX), Ok(None));
            }
        }
        assert_eq!(header(7, MAX_BODY + 1), None);
    }

    #[test]
    fn every_flipped_bit_of_a_header_is_seen() {
        let bytes = header(200, 123_456).unwrap();
        for bit in 0..HEADER * 8 {
            let mut damaged = bytes;
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(parse(&damaged, usize::MAX).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_length_over_the_limit_is_refused_by_the_header_alone() {
        let bytes = header(1, 101).unwrap();
        assert_eq!(parse(&bytes, 100), Err(FrameError::TooLong { length: 101, limit: 100 }));
        assert!(parse(&bytes, 101).is_ok());
    }
}
