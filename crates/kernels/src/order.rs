//! The order of JavaScript's `TypedArray.prototype.sort` for numbers: -0 before +0, NaN last.

/// An integer that orders as its number does. All NaNs are equal and above everything.
#[inline(always)]
pub(crate) fn key(value: f64) -> u64 {
    if value.is_nan() {
        return u64::MAX;
    }
    let bits = value.to_bits();
    // Negative numbers grow with falling bits: flip them all. Positive ones only have to come after those.
    let negative = ((bits as i64) >> 63) as u64;
    bits ^ (negative | 1 << 63)
}

#[cfg(test)]
mod tests {
    use super::key;

    #[test]
    fn is_the_order_of_typed_array_sort() {
        let ascending = [
            f64::NEG_INFINITY,
            f64::MIN,
            -1.0,
            -f64::MIN_POSITIVE,
            -5e-324,
            -0.0,
            0.0,
            5e-324,
            1.0,
            f64::MAX,
            f64::INFINITY,
            f64::NAN,
        ];
        assert!(ascending.map(key).is_sorted_by(|a, b| a < b));
        assert_eq!(key(-f64::NAN), key(f64::NAN));
    }
}
