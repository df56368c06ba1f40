//! gzip and zstd: round trips, foreign input, damage, limits.

mod common;

use common::{Random, compressible};
use kernels::gzip::{gunzip, gzip};
use kernels::zstd::{unzstd, zstd};
use kernels::{Control, KernelError, Unstoppable};

type Encode = fn(&[u8], i32, usize, &dyn Control) -> Result<Vec<u8>, KernelError>;
type Decode = fn(&[u8], usize, &dyn Control) -> Result<Vec<u8>, KernelError>;

const NO_LIMIT: usize = usize::MAX;
const CODECS: [(Encode, Decode, i32); 2] = [(gzip, gunzip, 6), (zstd, unzstd, 3)];

/// `hello, hello, hello, hello` by another gzip, with all four optional fields in the header.
const FOREIGN_GZIP: [u8; 48] = [
    0x1f, 0x8b, 0x08, 0x1e, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0x04, 0x00, 0x41, 0x42, 0x43, 0x44, 0x6e,
    0x61, 0x6d, 0x65, 0x00, 0x63, 0x6f, 0x6d, 0x6d, 0x65, 0x6e, 0x74, 0x00, 0x23, 0x47, 0xcb, 0x48, 0xcd,
    0xc9, 0xc9, 0xd7, 0x51, 0xc8, 0xc0, 0xa4, 0x00, 0x55, 0xa3, 0x82, 0x77, 0x1a, 0x00,
];

#[test]
fn round_trips_at_every_level_and_length() {
    for (encode, decode, _) in CODECS {
        for level in [0, 1, 3, 6, 9] {
            for length in [0, 1, 1000, 64 * 1024, 256 * 1024, 256 * 1024 + 1, 1_000_000] {
                for bytes in [compressible(length), Random(3).bytes(length), vec![0; length]] {
                    let packed = encode(&bytes, level, NO_LIMIT, &Unstoppable).unwrap();
                    assert_eq!(decode(&packed, NO_LIMIT, &Unstoppable), Ok(bytes));
                }
            }
        }
    }
    let text = compressible(300_000);
    for level in [-100, -7, 22] {
        let packed = zstd(&text, level, NO_LIMIT, &Unstoppable).unwrap();
        assert_eq!(unzstd(&packed, NO_LIMIT, &Unstoppable).as_ref(), Ok(&text));
    }
}

#[test]
fn a_level_out_of_range_is_an_error() {
    for (encode, level) in
        [(gzip as Encode, -1), (gzip, 10), (zstd, 23), (zstd, -101), (gzip, i32::MIN), (zstd, i32::MAX)]
    {
        assert!(matches!(encode(b"x", level, NO_LIMIT, &Unstoppable), Err(KernelError::Range(_))));
    }
}

#[test]
fn all_members_are_read() {
    for (encode, decode, level) in CODECS {
        let parts = [compressible(100_000), Vec::new(), compressible(5)];
        let packed: Vec<u8> =
            parts.iter().flat_map(|part| encode(part, level, NO_LIMIT, &Unstoppable).unwrap()).collect();
        assert_eq!(decode(&packed, NO_LIMIT, &Unstoppable), Ok(parts.concat()));
    }
}

#[test]
fn foreign_members_are_read() {
    let mut foreign = FOREIGN_GZIP.to_vec();
    foreign.extend([0, 0]); // the last two bytes of the length
    assert_eq!(gunzip(&foreign, NO_LIMIT, &Unstoppable).unwrap(), b"hello, hello, hello, hello");
    let foreign = [
        0x28, 0xb5, 0x2f, 0xfd, 0x24, 0x1a, 0x6d, 0x00, 0x00, 0x38, 0x68, 0x65, 0x6c, 0x6c, 0x6f, 0x2c, 0x20,
        0x01, 0x00, 0x4a, 0x8a, 0x11, 0x8f, 0x99, 0x53, 0x37,
    ];
    assert_eq!(unzstd(&foreign, NO_LIMIT, &Unstoppable).unwrap(), b"hello, hello, hello, hello");
    let skippable = [0x50, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 1, 2, 3];
    let frame = zstd(b"after", 3, NO_LIMIT, &Unstoppable).unwrap();
    let both = [&skippable[..], &frame, &skippable].concat();
    assert_eq!(unzstd(&both, NO_LIMIT, &Unstoppable).unwrap(), b"after");
}

#[test]
fn zeros_may_follow_gzip_and_nothing_else() {
    let packed = gzip(b"text", 6, NO_LIMIT, &Unstoppable).unwrap();
    let padded = [&packed[..], &[0; 512]].concat();
    assert_eq!(gunzip(&padded, NO_LIMIT, &Unstoppable).unwrap(), b"text");
    for tail in [&b"garbage"[..], &[0, 0, 1], &[0x1f], &[0x1f, 0x8b, 8]] {
        let damaged = [&packed[..], tail].concat();
        assert!(matches!(gunzip(&damaged, NO_LIMIT, &Unstoppable), Err(KernelError::Corrupt(_))));
    }
}

#[test]
fn every_truncation_and_every_flipped_checksum_is_corrupt() {
    let text = compressible(3000);
    for (encode, decode, level) in CODECS {
        let packed = encode(&text, level, NO_LIMIT, &Unstoppable).unwrap();
        for length in 0..packed.len() {
            let result = decode(&packed[..length], NO_LIMIT, &Unstoppable);
            assert!(matches!(result, Err(KernelError::Corrupt(_))), "{length}: {result:?}");
        }
        for i in packed.len() - 4..packed.len() {
            let mut damaged = packed.clone();
            damaged[i] ^= 1;
            let result = decode(&damaged, NO_LIMIT, &Unstoppable);
            assert!(matches!(result, Err(KernelError::Corrupt(_))), "{i}: {result:?}");
        }
    }
}

#[test]
fn damage_anywhere_is_an_error_or_harmless() {
    let text = compressible(3000);
    let mut random = Random(11);
    for (encode, decode, level) in CODECS {
        let packed = encode(&text, level, NO_LIMIT, &Unstoppable).unwrap();
        for _ in 0..3000 {
            let mut damaged = packed.clone();
            damaged[random.next() as usize % packed.len()] ^= 1 << (random.next() % 8);
            match decode(&damaged, 1_000_000, &Unstoppable) {
                Ok(result) => assert_eq!(result, text), // a bit of the header that means nothing
                Err(error) => assert!(
                    matches!(error, KernelError::Corrupt(_) | KernelError::TooLarge { .. }),
                    "{error:?}"
                ),
            }
        }
        let noise = random.bytes(1000);
        assert!(matches!(decode(&noise, 1_000_000, &Unstoppable), Err(KernelError::Corrupt(_))));
    }
}

#[test]
fn the_limit_is_exact() {
    let text = compressible(600_000);
    for (encode, decode, level) in CODECS {
        let packed = encode(&text, level, NO_LIMIT, &Unstoppable).unwrap();
        assert_eq!(decode(&packed, text.len(), &Unstoppable).as_ref(), Ok(&text));
        assert_eq!(encode(&text, level, packed.len(), &Unstoppable).as_ref(), Ok(&packed));
        for limit in [0, 1, 1000, text.len() - 1] {
            assert_eq!(decode(&packed, limit, &Unstoppable), Err(KernelError::TooLarge { limit }));
        }
        let limit = packed.len() - 1;
        assert_eq!(encode(&text, level, limit, &Unstoppable), Err(KernelError::TooLarge { limit }));
        let empty = encode(b"", level, NO_LIMIT, &Unstoppable).unwrap();
        assert_eq!(decode(&empty, 0, &Unstoppable), Ok(Vec::new()));
    }
}
