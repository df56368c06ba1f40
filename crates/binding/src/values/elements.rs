//! The elements of typed arrays, as bytes and back.

/// Numbers of which every bit pattern is one.
///
/// # Safety
/// Any bytes must be a valid value.
pub(crate) unsafe trait Pod: Copy {}

// SAFETY: every bit pattern is a number.
unsafe impl Pod for i8 {}
// SAFETY: every bit pattern is a number.
unsafe impl Pod for u8 {}
// SAFETY: every bit pattern is a number.
unsafe impl Pod for i16 {}
// SAFETY: every bit pattern is a number.
unsafe impl Pod for u16 {}
// SAFETY: every bit pattern is a number.
unsafe impl Pod for i32 {}
// SAFETY: every bit pattern is a number.
unsafe impl Pod for u32 {}
// SAFETY: every bit pattern is a number, NaNs among them.
unsafe impl Pod for f32 {}
// SAFETY: every bit pattern is a number, NaNs among them.
unsafe impl Pod for f64 {}

/// The memory of numbers.
pub(crate) fn memory_of<T: Pod>(numbers: &[T]) -> &[u8] {
    // SAFETY: numbers have no padding, and every byte is initialised.
    unsafe { std::slice::from_raw_parts(numbers.as_ptr().cast(), size_of_val(numbers)) }
}
