//! What bytes are to JavaScript: N-API's numbers for the typed arrays, and two of our own.

/// What a typed array or buffer is to be again when it arrives.
pub(crate) type View = i32;

pub(crate) const INT8_ARRAY: View = 0;
pub(crate) const UINT8_ARRAY: View = 1;
pub(crate) const UINT8_CLAMPED_ARRAY: View = 2;
pub(crate) const INT16_ARRAY: View = 3;
pub(crate) const UINT16_ARRAY: View = 4;
pub(crate) const INT32_ARRAY: View = 5;
pub(crate) const UINT32_ARRAY: View = 6;
pub(crate) const FLOAT32_ARRAY: View = 7;
pub(crate) const FLOAT64_ARRAY: View = 8;
const BIGINT64_ARRAY: View = 9;
const BIGUINT64_ARRAY: View = 10;
pub(crate) const FLOAT16_ARRAY: View = 11;
/// Not among N-API's typed arrays.
pub(crate) const ARRAY_BUFFER: View = 100;
pub(crate) const DATA_VIEW: View = 101;

/// How many bytes an element has.
pub(crate) fn element_size(view: View) -> usize {
    match view {
        INT16_ARRAY | UINT16_ARRAY | FLOAT16_ARRAY => 2,
        INT32_ARRAY | UINT32_ARRAY | FLOAT32_ARRAY => 4,
        FLOAT64_ARRAY | BIGINT64_ARRAY | BIGUINT64_ARRAY => 8,
        _ => 1,
    }
}
