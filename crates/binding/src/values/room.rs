//! Memory for many bytes in an isolate: the system is asked for it before V8 is.
//!
//! V8 takes a buffer that the system refuses for the end of its heap. Since Node 26 a `Worker` is ended for
//! that, a moment after the RangeError was thrown: with it went the task that the worker had taken by then,
//! whose fault it was not.

use crate::engine::v8;
use crate::js::{self, Env, Fault};

/// What is smaller is not asked for: for a buffer of 1 MiB the question could be measured, and where there is
/// not even that little everything else fails as well.
const LARGE: usize = 8 << 20;

/// Throws the RangeError of V8 if there is no room for so many bytes, also not after what is garbage has
/// gone.
pub(crate) fn require(env: Env, bytes: usize) -> Result<(), Fault> {
    if bytes < LARGE || is_there(bytes) {
        return Ok(());
    }
    // Where V8 cannot be asked to collect it is asked for the buffer, and collects itself.
    if !v8::collect_garbage() || is_there(bytes) { Ok(()) } else { Err(js::refused_buffer(env)) }
}

/// So much more is asked for what lies in the heap: V8 ends the process if it is refused that, and what else
/// it needs meanwhile; and other threads take memory in pieces of this size.
const BESIDE: usize = 64 << 20;

/// The same for what lies in the heap, as strings do.
pub(crate) fn require_in_heap(env: Env, bytes: usize) -> Result<(), Fault> {
    if bytes < LARGE { Ok(()) } else { require(env, bytes.saturating_add(BESIDE)) }
}

/// Memory that is taken and given back untouched.
fn is_there(bytes: usize) -> bool {
    let mut memory = Vec::<u8>::new();
    let is_there = memory.try_reserve_exact(bytes).is_ok();
    // The compiler may take memory that nobody looks at to be there.
    std::hint::black_box(&memory);
    is_there
}
