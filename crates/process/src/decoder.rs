//! Frames out of a stream of bytes that arrive in any pieces.
//!
//! A frame that fits into the buffer is read there together with its neighbours, so that one read gives many
//! of them. The body of a longer one is read straight into its own memory, which grows as bytes arrive: a
//! peer that announces gigabytes gets none until it has sent as much. Where there is no memory for it the
//! beginning is kept, and the rest is read into the buffer and dropped: the stream goes on behind it.

use crate::frame::{self, FrameError, HEADER, MAX_BODY};

const BUFFER: usize = 64 << 10;
/// What a long body gets at first; afterwards it doubles.
const FIRST: usize = 256 << 10;
/// What is kept of a body for which there is no memory: enough to say what it was about.
const HEAD: usize = 16 << 10;

pub(crate) struct Decoder {
    /// Bytes from `at` on are not decoded yet.
    buffer: Vec<u8>,
    at: usize,
    /// The frame whose body is longer than the buffer and has not arrived whole; the buffer is empty then,
    /// or has what is dropped.
    long: Option<Long>,
    limit: usize,
}

struct Long {
    kind: u8,
    length: usize,
    body: Vec<u8>,
    /// Of a body for which there is no memory: how much of it has been dropped, before what is in the buffer.
    dropped: Option<usize>,
}

impl Long {
    /// Makes room for more of the body: as much again as there is.
    fn grow(&mut self) -> bool {
        let more = (self.length - self.body.len()).min(self.body.len().max(FIRST));
        self.body.try_reserve_exact(more).is_ok()
    }

    /// Keeps the beginning only.
    fn cut(&mut self) {
        self.dropped = Some(self.body.len().saturating_sub(HEAD));
        self.body.truncate(HEAD);
        self.body.shrink_to_fit();
    }
}

/// What has arrived.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Arrived {
    pub(crate) kind: u8,
    pub(crate) body: Vec<u8>,
    /// Whether there was no memory for all of the body, which begins so.
    pub(crate) is_cut: bool,
}

impl Decoder {
    pub(crate) fn new() -> Decoder {
        Decoder { buffer: Vec::with_capacity(BUFFER), at: 0, long: None, limit: MAX_BODY }
    }

    /// Refuses bodies over `limit` from the next header on.
    pub(crate) fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Where the next bytes of the stream go: they are appended to the vector, at least one and at most as
    /// many as the number says, for which it has room. Call it after `next` has said `None`.
    pub(crate) fn target(&mut self) -> (&mut Vec<u8>, usize) {
        if let Some(long) = &mut self.long {
            if long.dropped.is_none() && long.body.len() == long.body.capacity() && !long.grow() {
                long.cut();
            }
            if let Some(dropped) = &mut long.dropped {
                *dropped += self.buffer.len();
                self.buffer.clear();
                let missing = long.length - long.body.len() - *dropped;
                return (&mut self.buffer, missing.min(BUFFER));
            }
            let room = (long.body.capacity() - long.body.len()).min(long.length - long.body.len());
            return (&mut long.body, room);
        }
        self.buffer.drain(..self.at);
        self.at = 0;
        let room = BUFFER - self.buffer.len();
        (&mut self.buffer, room)
    }

    /// The next frame that has arrived whole.
    pub(crate) fn next(&mut self) -> Result<Option<Arrived>, FrameError> {
        let dropped = self.buffer.len();
        let is_whole = |long: &mut Long| match long.dropped {
            None => long.body.len() == long.length,
            Some(before) => long.body.len() + before + dropped == long.length,
        };
        if let Some(Long { kind, body, dropped, .. }) = self.long.take_if(is_whole) {
            self.buffer.clear();
            return Ok(Some(Arrived { kind, body, is_cut: dropped.is_some() }));
        }
        if self.long.is_some() {
            return Ok(None);
        }
        let rest = &self.buffer[self.at..];
        let Some(header) = frame::parse(rest, self.limit)? else {
            return Ok(None);
        };
        if header.length <= BUFFER - HEADER {
            let end = HEADER + header.length;
            let Some(body) = rest.get(HEADER..end) else {
                return Ok(None);
            };
            let body = body.to_vec();
            self.at += end;
            return Ok(Some(Arrived { kind: header.kind, body, is_cut: false }));
        }
        // The frame is longer than the buffer, so that what is left there is its beginning and no more.
        let mut body = Vec::new();
        let length = header.length;
        // Where this is refused it is asked for below, little as it is.
        let _ = body.try_reserve_exact(FIRST.min(length));
        body.extend_from_slice(&rest[HEADER..]);
        self.buffer.clear();
        self.at = 0;
        self.long = Some(Long { kind: header.kind, length, body, dropped: None });
        Ok(None)
    }

    /// Whether a frame has begun that has not arrived whole; call it after `next` has said `None`.
    pub(crate) fn is_within_a_frame(&self) -> bool {
        self.long.is_some() || self.at < self.buffer.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small generator, so that a failure can be run again: splitmix64.
    struct Random(u64);

    impl Random {
        fn below(&mut self, bound: usize) -> usize {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut value = self.0;
            value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            usize::try_from((value ^ (value >> 31)) % (bound as u64)).unwrap()
        }
    }

    type Decoded = (Vec<(u8, Vec<u8>)>, Result<bool, FrameError>);

    /// Feeds `stream` in random cuts; gives the frames, and an error or whether a frame has begun.
    fn decode(stream: &[u8], random: &mut Random) -> Decoded {
        let mut decoder = Decoder::new();
        let mut frames = Vec::new();
        let mut rest = stream;
        loop {
            loop {
                match decoder.next() {
                    Ok(Some(Arrived { kind, body, .. })) => frames.push((kind, body)),
                    Ok(None) => break,
                    Err(error) => return (frames, Err(error)),
                }
            }
            if rest.is_empty() {
                return (frames, Ok(decoder.is_within_a_frame()));
            }
            let longest = if random.below(2) == 0 { 20 } else { 100_000 };
            let (target, room) = decoder.target();
            assert!(room > 0, "room for at least a byte");
            assert!(target.capacity() - target.len() >= room, "as much room as it says");
            let take = (1 + random.below(longest)).min(room).min(rest.len());
            target.extend_from_slice(&rest[..take]);
            rest = &rest[take..];
        }
    }

    fn length(random: &mut Random) -> usize {
        match random.below(8) {
            0 => 0,
            1 => BUFFER - HEADER - 2 + random.below(5),
            2 => FIRST - 2 + random.below(5),
            3 => random.below(900_000),
            _ => random.below(300),
        }
    }

    #[test]
    fn frames_come_out_as_they_went_in_whatever_the_cuts() {
        for seed in 0..150 {
            let mut random = Random(seed);
            let mut stream = Vec::new();
            let mut sent = Vec::new();
            for _ in 0..random.below(12) {
                let kind = u8::try_from(random.below(256)).unwrap();
                let first = random.below(251);
                let body: Vec<u8> = (0..length(&mut random)).map(|at| ((first + at) % 251) as u8).collect();
                stream.extend_from_slice(&frame::header(kind, body.len()).unwrap());
                stream.extend_from_slice(&body);
                sent.push((kind, body));
            }
            let (frames, end) = decode(&stream, &mut random);
            assert_eq!(end, Ok(false), "seed {seed}");
            assert!(frames == sent, "seed {seed}");

            if !stream.is_empty() {
                let cut = random.below(stream.len());
                let (frames, end) = decode(&stream[..cut], &mut random);
                let whole = frames.iter().map(|(_, body)| HEADER + body.len()).sum::<usize>();
                assert_eq!(end, Ok(whole != cut), "seed {seed}");
                assert!(frames[..] == sent[..frames.len()], "seed {seed}");
            }
        }
    }

    #[test]
    fn random_and_damaged_bytes_end_in_an_error_or_wait_for_more_and_never_panic() {
        for seed in 0..20_000 {
            let mut random = Random(seed ^ 0xdead_beef);
            let mut stream: Vec<u8> = Vec::new();
            if random.below(2) == 0 {
                for _ in 0..1 + random.below(4) {
                    let body = random.below(40);
                    stream.extend_from_slice(&frame::header(1, body).unwrap());
                    stream.resize(stream.len() + body, 7);
                }
                let at = random.below(stream.len());
                stream[at] ^= 1 << random.below(8);
            } else {
                let length = random.below(200);
                stream.extend((0..length).map(|_| random.below(256) as u8));
            }
            let (frames, _) = decode(&stream, &mut random);
            let whole = frames.iter().map(|(_, body)| HEADER + body.len()).sum::<usize>();
            assert!(whole <= stream.len(), "seed {seed}");
        }
    }

    #[test]
    fn a_length_alone_allocates_next_to_nothing() {
        let mut decoder = Decoder::new();
        let header = frame::header(1, MAX_BODY).unwrap();
        decoder.target().0.extend_from_slice(&header);
        assert_eq!(decoder.next(), Ok(None));
        assert!(decoder.is_within_a_frame());
        let (body, room) = decoder.target();
        assert!(room > 0 && body.capacity() <= 2 * FIRST);
    }

    #[test]
    fn a_body_without_memory_is_cut_and_the_next_frame_is_whole() {
        for (seed, before) in [(1, 0), (2, FIRST), (3, 700_000)] {
            let mut random = Random(seed);
            let body: Vec<u8> = (0..900_001).map(|at| (at % 251) as u8).collect();
            let mut stream = frame::header(4, body.len()).unwrap().to_vec();
            stream.extend_from_slice(&body);
            stream.extend_from_slice(&frame::header(5, 3).unwrap());
            stream.extend_from_slice(b"abc");
            let (mut decoder, mut rest, mut arrived) = (Decoder::new(), &stream[..], Vec::new());
            while !rest.is_empty() {
                if let Some(long) = decoder.long.as_mut().filter(|long| long.body.len() >= before) {
                    // As where the system refuses more.
                    if long.dropped.is_none() {
                        long.cut();
                    }
                }
                let (target, room) = decoder.target();
                let take = (1 + random.below(100_000)).min(room).min(rest.len());
                target.extend_from_slice(&rest[..take]);
                rest = &rest[take..];
                while let Some(frame) = decoder.next().unwrap() {
                    arrived.push(frame);
                }
            }
            assert!(!decoder.is_within_a_frame());
            let [first, second] = &arrived[..] else { panic!("{} frames", arrived.len()) };
            assert!(first.is_cut && first.kind == 4 && !first.body.is_empty());
            assert!(first.body.len() <= HEAD && body.starts_with(&first.body));
            assert_eq!(*second, Arrived { kind: 5, body: b"abc".to_vec(), is_cut: false });
        }
    }
}
