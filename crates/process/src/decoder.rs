//! Frames out of a stream of bytes that arrive in any pieces.
//!
//! A frame that fits into the buffer is read there together with its neighbours, so that one read gives many
//! of them. The body of a longer one is read straight into its own memory, which grows as bytes arrive: a
//! peer that announces gigabytes gets none until it has sent as much.

use crate::frame::{self, FrameError, HEADER, MAX_BODY};

const BUFFER: usize = 64 << 10;
/// What a long body gets at first; afterwards it doubles.
const FIRST: usize = 256 << 10;

pub(crate) struct Decoder {
    /// Bytes from `at` on are not decoded yet.
    buffer: Vec<u8>,
    at: usize,
    /// The frame whose body is longer than the buffer and has not arrived whole; the buffer is empty then.
    long: Option<Long>,
    limit: usize,
}

struct Long {
    kind: u8,
    length: usize,
    body: Vec<u8>,
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
    pub(crate) fn target(&mut self) -> Result<(&mut Vec<u8>, usize), FrameError> {
        if let Some(long) = &mut self.long {
            let missing = long.length - long.body.len();
            if long.body.len() == long.body.capacity() {
                let more = missing.min(long.body.len().max(FIRST));
                let length = long.length;
                long.body.try_reserve_exact(more).map_err(|_| FrameError::NoMemory { length })?;
            }
            let room = (long.body.capacity() - long.body.len()).min(missing);
            return Ok((&mut long.body, room));
        }
        self.buffer.drain(..self.at);
        self.at = 0;
        let room = BUFFER - self.buffer.len();
        Ok((&mut self.buffer, room))
    }

    /// The next frame that has arrived whole.
    pub(crate) fn next(&mut self) -> Result<Option<(u8, Vec<u8>)>, FrameError> {
        if let Some(long) = self.long.take_if(|long| long.body.len() == long.length) {
            return Ok(Some((long.kind, long.body)));
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
            return Ok(Some((header.kind, body)));
        }
        // The frame is longer than the buffer, so that what is left there is its beginning and no more.
        let mut body = Vec::new();
        let length = header.length;
        body.try_reserve_exact(FIRST.min(length)).map_err(|_| FrameError::NoMemory { length })?;
        body.extend_from_slice(&rest[HEADER..]);
        self.buffer.clear();
        self.at = 0;
        self.long = Some(Long { kind: header.kind, length, body });
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
                    Ok(Some(frame)) => frames.push(frame),
                    Ok(None) => break,
                    Err(error) => return (frames, Err(error)),
                }
            }
            if rest.is_empty() {
                return (frames, Ok(decoder.is_within_a_frame()));
            }
            let longest = if random.below(2) == 0 { 20 } else { 100_000 };
            let (target, room) = decoder.target().unwrap();
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
        decoder.target().unwrap().0.extend_from_slice(&header);
        assert_eq!(decoder.next(), Ok(None));
        assert!(decoder.is_within_a_frame());
        let (body, room) = decoder.target().unwrap();
        assert!(room > 0 && body.capacity() <= 2 * FIRST);
    }
}
