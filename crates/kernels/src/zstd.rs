//! Zstandard and its inverse (RFC 8878), streamed.

use crate::output::{Output, WINDOW};
use crate::{Control, KernelError};
use zstd_safe::zstd_sys::ZSTD_EndDirective::{ZSTD_e_continue, ZSTD_e_end};
use zstd_safe::zstd_sys::ZSTD_ErrorCode;
use zstd_safe::{CCtx, CParameter, DCtx, InBuffer, OutBuffer, get_error_name, is_error_kind};

pub const DEFAULT_LEVEL: i32 = 3;
pub const MAX_LEVEL: i32 = 22;

/// Below 1 speed is traded for size; the steps below this one change nothing worth having.
pub const MIN_LEVEL: i32 = -100;

/// Input that a compressor may take between two looks at the control: one block of the format.
const INPUT_CHUNK: usize = 128 * 1024;

/// Compresses into one frame that carries its length and a checksum. `level` goes from `MIN_LEVEL` to
/// `MAX_LEVEL`; 0 means the default.
///
/// # Errors
/// `Range` for another level, `TooLarge`, `OutOfMemory`, `Stopped`.
pub fn zstd(
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
    let mut encoder = CCtx::try_create().ok_or(KernelError::OutOfMemory)?;
    encoder.set_parameter(CParameter::CompressionLevel(level)).map_err(compress_error)?;
    encoder.set_parameter(CParameter::ChecksumFlag(true)).map_err(compress_error)?;
    encoder.set_pledged_src_size(Some(bytes.len() as u64)).map_err(compress_error)?;
    let mut output = Output::new(max_output_length);
    let mut rest = bytes;
    loop {
        control.check()?;
        let mut input = InBuffer::around(&rest[..rest.len().min(INPUT_CHUNK)]);
        let last = input.src.len() == rest.len();
        let mut window = OutBuffer::around(output.window()?);
        let directive = if last { ZSTD_e_end } else { ZSTD_e_continue };
        let unflushed =
            encoder.compress_stream2(&mut window, &mut input, directive).map_err(compress_error)?;
        let given = window.pos();
        output.written(given)?;
        rest = &rest[input.pos()..];
        if last && unflushed == 0 {
            return Ok(output.finish());
        }
    }
}

/// Decompresses all frames, skipping the skippable ones.
///
/// The decoder itself keeps a window of at most 128 MiB of address space, as zstd's own tool does by default,
/// of which only as much is touched as there is output.
///
/// # Errors
/// `Corrupt` for damaged, truncated or empty input or a frame with a larger window, `TooLarge`,
/// `OutOfMemory`, `Stopped`.
pub fn unzstd(bytes: &[u8], max_output_length: usize, control: &dyn Control) -> Result<Vec<u8>, KernelError> {
    let mut decoder = DCtx::try_create().ok_or(KernelError::OutOfMemory)?;
    let mut output = Output::new(max_output_length);
    let mut rest = bytes;
    let mut missing = 1; // 0 exactly between two frames
    loop {
        control.check()?;
        if rest.is_empty() && missing == 0 {
            return Ok(output.finish());
        }
        let mut input = InBuffer::around(&rest[..rest.len().min(WINDOW)]);
        let mut window = OutBuffer::around(output.window()?);
        missing = decoder.decompress_stream(&mut window, &mut input).map_err(decompress_error)?;
        let (taken, given) = (input.pos(), window.pos());
        output.written(given)?;
        rest = &rest[taken..];
        // The window always has room, so without progress it is input that is missing.
        if taken == 0 && given == 0 && missing != 0 {
            return Err(KernelError::Corrupt("the zstd data ends too early".into()));
        }
    }
}

/// Compressing can only fail for want of memory: high levels need up to about 800 MB.
fn compress_error(_: usize) -> KernelError {
    KernelError::OutOfMemory
}

fn decompress_error(code: usize) -> KernelError {
    if is_error_kind(code, ZSTD_ErrorCode::ZSTD_error_memory_allocation) {
        return KernelError::OutOfMemory;
    }
    KernelError::Corrupt(format!("the zstd data is damaged: {}", get_error_name(code)))
}
