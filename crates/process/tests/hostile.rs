//! What a receiver makes of a peer that does not keep to the protocol.
#![cfg(unix)]

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use process::{Channel, FrameError, HEADER, MAX_BODY, Part, Polled, Receiver, header};

/// For what must happen; a test that waits as long has failed.
const LONG: Duration = Duration::from_secs(30);

fn with_raw_peer() -> (Channel, Receiver, UnixStream) {
    let (left, right) = UnixStream::pair().unwrap();
    let (channel, receiver) = Channel::over(left).unwrap();
    (channel, receiver, right)
}

fn next(receiver: &mut Receiver) -> Polled {
    receiver.poll(None, Some(Instant::now() + LONG))
}

fn frame(kind: u8, body: &[u8]) -> Polled {
    Polled::Frame { kind, body: body.to_vec() }
}

#[test]
fn a_stream_that_ends_within_a_frame_is_cut_off() {
    for length in [0, 10, 100_000] {
        let mut bytes = header(1, length).unwrap().to_vec();
        bytes.resize(HEADER + length, 3);
        for cut in [1, HEADER - 1, HEADER, HEADER + length / 2, HEADER + length - length.min(1)] {
            let (_channel, mut receiver, mut peer) = with_raw_peer();
            peer.write_all(&bytes[..cut]).unwrap();
            drop(peer);
            let whole = cut == bytes.len();
            if whole {
                assert!(matches!(next(&mut receiver), Polled::Frame { kind: 1, .. }));
            }
            let end = if whole { Polled::Closed } else { Polled::Bad(FrameError::CutOff) };
            assert_eq!(next(&mut receiver), end, "{cut} of {length}");
        }
    }
}

#[test]
fn foreign_bytes_and_frames_that_are_too_long_end_the_stream() {
    let (channel, mut receiver, mut peer) = with_raw_peer();
    peer.write_all(b"H").unwrap();
    assert_eq!(next(&mut receiver), Polled::Bad(FrameError::Foreign));
    assert_eq!(next(&mut receiver), Polled::Bad(FrameError::Foreign));
    assert!(!channel.send(1, vec![]), "nothing is sent to one that is not believed");

    let (_channel, mut receiver, mut peer) = with_raw_peer();
    receiver.set_limit(1_000);
    peer.write_all(&header(1, 1_000).unwrap()).unwrap();
    peer.write_all(&[0; 1_000]).unwrap();
    peer.write_all(&header(1, 1_001).unwrap()).unwrap();
    assert_eq!(next(&mut receiver), frame(1, &[0; 1_000]));
    assert_eq!(next(&mut receiver), Polled::Bad(FrameError::TooLong { length: 1_001, limit: 1_000 }));
}

/// Says one length first, and another ever after.
struct Lying(AtomicUsize);

impl AsRef<[u8]> for Lying {
    fn as_ref(&self) -> &[u8] {
        let asked = self.0.fetch_add(1, Ordering::Relaxed);
        if asked == 0 { &[1; 100] } else { &[2; 50] }
    }
}

#[test]
fn a_shared_part_that_changes_its_length_ends_the_channel_and_nothing_else() {
    let (channel, _receiver, peer) = with_raw_peer();
    let (_channel, mut peer) = Channel::over(peer).unwrap();
    assert!(!channel.send(1, vec![Part::Shared(Arc::new(Lying(AtomicUsize::new(0))))]));
    assert_eq!(next(&mut peer), Polled::Closed);
    assert!(!channel.send(1, vec![]));
}

#[test]
fn the_longest_body_is_a_promise_of_the_header() {
    assert!(header(1, MAX_BODY).is_some());
    assert!(header(1, MAX_BODY + 1).is_none());
}

#[test]
fn random_bytes_in_random_pieces_never_harm_the_receiver() {
    let mut seed = 1u64;
    let mut random = move |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    for round in 0..2_000 {
        let (_channel, mut receiver, mut peer) = with_raw_peer();
        let mut bytes = Vec::new();
        for _ in 0..random(6) {
            let length = random(300) as usize;
            bytes.extend_from_slice(&header(random(256) as u8, length).unwrap());
            bytes.extend((0..length).map(|_| random(256) as u8));
        }
        for _ in 0..random(4) {
            let at = random(bytes.len() as u64 + 1) as usize;
            bytes.insert(at, random(256) as u8);
        }
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let cut = 1 + random(rest.len() as u64) as usize;
            // It fails once the receiver's end is gone, which it is not.
            peer.write_all(&rest[..cut]).unwrap();
            rest = &rest[cut..];
        }
        drop(peer);
        let mut received = 0;
        loop {
            match next(&mut receiver) {
                Polled::Frame { body, .. } => received += HEADER + body.len(),
                Polled::Closed => break assert_eq!(received, bytes.len(), "round {round}"),
                Polled::Bad(_) => break assert!(received <= bytes.len(), "round {round}"),
                other => panic!("{other:?} in round {round}"),
            }
        }
    }
}
