//! Digests against published values, and against themselves around the edges of chunks.

mod common;

use common::Random;
use kernels::Unstoppable;
use kernels::hash::{blake3, crc32, sha256, xxh3};
use std::fmt::Write;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

#[test]
fn published_values() {
    let none = &Unstoppable;
    let digest = |bytes: &[u8]| hex(&sha256(bytes, none).unwrap());
    assert_eq!(digest(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_eq!(digest(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(
        digest(&vec![b'a'; 1_000_000]),
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
    );
    let digest = |bytes: &[u8]| hex(&blake3(bytes, none).unwrap());
    assert_eq!(digest(b""), "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262");
    assert_eq!(digest(b"abc"), "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85");
    assert_eq!(crc32(b"", none), Ok(0));
    assert_eq!(crc32(b"123456789", none), Ok(0xCBF4_3926));
    assert_eq!(xxh3(b"", none), Ok(0x2D06_8005_38D3_94C2));
}

#[test]
fn chunks_change_nothing() {
    let bytes = Random(1).bytes(3 * 128 * 1024 + 77);
    for length in [1, 240, 241, 1024, 128 * 1024 - 1, 128 * 1024, 128 * 1024 + 1, bytes.len()] {
        let bytes = &bytes[..length];
        assert_eq!(blake3(bytes, &Unstoppable).unwrap(), *::blake3::hash(bytes).as_bytes());
        assert_eq!(xxh3(bytes, &Unstoppable), Ok(twox_hash::XxHash3_64::oneshot(bytes)));
        assert_eq!(crc32(bytes, &Unstoppable), Ok(crc32fast::hash(bytes)));
        use sha2::Digest;
        assert_eq!(sha256(bytes, &Unstoppable).unwrap(), *sha2::Sha256::digest(bytes));
    }
}
