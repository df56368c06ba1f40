//! Digests and checksums of bytes. Each is fed in chunks, with a look at the control in between.

use crate::{Control, KernelError};
use sha2::Digest;
use std::hash::Hasher;

/// Large enough for the widest SIMD path of blake3 (which wants 16 KiB and more), and at most about 0.3 ms of
/// work for the slowest of the four.
const CHUNK: usize = 128 * 1024;

fn feed(bytes: &[u8], control: &dyn Control, mut update: impl FnMut(&[u8])) -> Result<(), KernelError> {
    control.check()?;
    for chunk in bytes.chunks(CHUNK) {
        update(chunk);
        control.check()?;
    }
    Ok(())
}

/// SHA-256.
///
/// # Errors
/// `Stopped`.
pub fn sha256(bytes: &[u8], control: &dyn Control) -> Result<[u8; 32], KernelError> {
    let mut hasher = sha2::Sha256::new();
    feed(bytes, control, |chunk| hasher.update(chunk))?;
    Ok(hasher.finalize().into())
}

/// BLAKE3 with the default 32 bytes of output, on the calling thread only: the pool decides how many threads
/// run.
///
/// # Errors
/// `Stopped`.
pub fn blake3(bytes: &[u8], control: &dyn Control) -> Result<[u8; 32], KernelError> {
    let mut hasher = blake3::Hasher::new();
    feed(bytes, control, |chunk| {
        hasher.update(chunk);
    })?;
    Ok(hasher.finalize().into())
}

/// XXH3 with 64 bits of output and seed 0.
///
/// # Errors
/// `Stopped`.
pub fn xxh3(bytes: &[u8], control: &dyn Control) -> Result<u64, KernelError> {
    if bytes.len() <= CHUNK {
        control.check()?;
        return Ok(twox_hash::XxHash3_64::oneshot(bytes)); // no 1 KiB of state to set up
    }
    let mut hasher = twox_hash::XxHash3_64::new();
    feed(bytes, control, |chunk| hasher.write(chunk))?;
    Ok(hasher.finish())
}

/// CRC-32 as in gzip, PNG and `zlib.crc32` (IEEE 802.3, reflected).
///
/// # Errors
/// `Stopped`.
pub fn crc32(bytes: &[u8], control: &dyn Control) -> Result<u32, KernelError> {
    let mut hasher = crc32fast::Hasher::new();
    feed(bytes, control, |chunk| hasher.update(chunk))?;
    Ok(hasher.finalize())
}
