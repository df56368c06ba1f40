//! gzip and its inverse (RFC 1952), streamed.

use crate::output::{Output, WINDOW};
use crate::{Control, KernelError};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

pub const DEFAULT_LEVEL: i32 = 6;
pub const MIN_LEVEL: i32 = 0;
pub const MAX_LEVEL: i32 = 9;

/// Input that a compressor may take between two looks at the control: about a millisecond at level 6.
const INPUT_CHUNK: usize = 64 * 1024;

/// 2^15 bytes of history, the most that the format allows and what every decoder accepts.
const WINDOW_BITS: u8 = 15;

/// Compresses into one gzip member. `level` goes from 0 (stored) to 9 (smallest).
///
/// # Errors
/// `Range` for another level, `TooLarge`, `OutOfMemory`, `Stopped`.
pub fn gzip(
    bytes: &[u8],
    level: i32,
    max_output_length: usize,
    control: &dyn Control,
) -> Result<Vec<u8>, KernelError> {
    if !(MIN_LEVEL..=MAX_LEVEL).contains(&level) {
        return Err(KernelError::Range(format!(
            "level must be an integer from {MIN_LEVEL} to {MAX_LEVEL}, not {level}"
        )));
    }
    let mut encoder = Compress::new_gzip(Compression::new(level.unsigned_abs()), WINDOW_BITS);
    let mut output = Output::new(max_output_length);
    let mut rest = bytes;
    loop {
        control.check()?;
        let chunk = &rest[..rest.len().min(INPUT_CHUNK)];
        let flush = if chunk.len() == rest.len() { FlushCompress::Finish } else { FlushCompress::None };
        let (taken, given) = (encoder.total_in(), encoder.total_out());
        let status = encoder
            .compress(chunk, output.window()?, flush)
            .map_err(|error| KernelError::Corrupt(error.to_string()))?;
        output.written((encoder.total_out() - given) as usize)?;
        rest = &rest[(encoder.total_in() - taken) as usize..];
        if status == Status::StreamEnd {
            return Ok(output.finish());
        }
    }
}

/// Decompresses all members of a gzip file. Zero bytes may follow the last member (tapes pad with them);
/// anything else there is damage.
///
/// # Errors
/// `Corrupt` for damaged, truncated or empty input, `TooLarge`, `OutOfMemory`, `Stopped`.
pub fn gunzip(bytes: &[u8], max_output_length: usize, control: &dyn Control) -> Result<Vec<u8>, KernelError> {
    let mut output = Output::new(max_output_length);
    let mut rest = bytes;
    loop {
        rest = gunzip_member(rest, &mut output, control)?;
        if is_padding(rest, control)? {
            return Ok(output.finish());
        }
    }
}

/// Decompresses the member that `bytes` starts with and returns what follows it.
fn gunzip_member<'a>(
    bytes: &'a [u8],
    output: &mut Output,
    control: &dyn Control,
) -> Result<&'a [u8], KernelError> {
    if bytes.is_empty() {
        return Err(truncated());
    }
    let mut decoder = Decompress::new_gzip(WINDOW_BITS);
    let mut rest = bytes;
    loop {
        control.check()?;
        let chunk = &rest[..rest.len().min(WINDOW)];
        let (taken, given) = (decoder.total_in(), decoder.total_out());
        let status = decoder
            .decompress(chunk, output.window()?, FlushDecompress::None)
            .map_err(|error| corrupt(error.message()))?;
        let (taken, given) = (decoder.total_in() - taken, decoder.total_out() - given);
        output.written(given as usize)?;
        rest = &rest[taken as usize..];
        match status {
            Status::StreamEnd => return Ok(rest),
            // The window always has room, so without progress it is input that is missing.
            _ if taken == 0 && given == 0 => return Err(truncated()),
            _ => {}
        }
    }
}

fn is_padding(bytes: &[u8], control: &dyn Control) -> Result<bool, KernelError> {
    for chunk in bytes.chunks(WINDOW) {
        control.check()?;
        if chunk.iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn truncated() -> KernelError {
    KernelError::Corrupt("the gzip data ends too early".into())
}

fn corrupt(message: Option<&str>) -> KernelError {
    KernelError::Corrupt(format!("the gzip data is damaged: {}", message.unwrap_or("invalid data")))
}
