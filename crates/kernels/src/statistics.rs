//! Count, sum, extremes, mean and population variance in one walk over the memory.
//!
//! A chunk that fits the nearest cache is read three times: for its extremes, for its sum, and for the
//! squares of the distances from its own mean, where the textbook's "mean of squares minus square of the
//! mean" loses all digits.
//!
//! **Sum.** Each addition is made in a way that also gives what rounding cuts off, and that is added up
//! beside it. Neumaier's form of this ("Rundungsfehleranalyse einiger Verfahren zur Summation endlicher
//! Summen", ZAMM 54, 1974) asks at every addition which side is larger. Here a chunk's sum starts at a number
//! that is larger than it can become (the extraction of Rump, Ogita and Oishi, "Accurate floating-point
//! summation, part I", SIAM J. Sci. Comput. 31, 2008), so that Dekker's three operations do without the
//! question. Chunks are joined by Knuth's TwoSum.
//!
//! **Variance.** The mean is rounded, too; what is cut off corrects the squares (the two-pass algorithm of
//! Chan, Golub and LeVeque, "Algorithms for computing the sample variance", Am. Stat. 37, 1983). Chunks are
//! joined by the formula of the same authors, with both parts of the means.

#![allow(unsafe_code)] // for one call of what is compiled for newer processors; see `Moments::of`

use crate::{Control, KernelError};

/// 32 KiB of f64 at most: the passes over one chunk stay in the first-level cache.
const CHUNK: usize = 4096;

/// Chunks between two looks at the control: some 0.1 ms.
const CHUNKS_PER_CHECK: usize = 64;

/// Independent partial sums: enough for the compiler to use SIMD registers and hide the latency of additions.
const LANES: usize = 32;

/// Results are NaN where they are undefined: `min`, `max`, `mean` and `variance` of nothing, and all but
/// `count` of values with a NaN among them. As with any sum in f64, values near 1.8e308 overflow to
/// infinities.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Statistics {
    pub count: usize,
    pub sum: f64,
    pub min: f64,
    pub max: f64,
    pub mean: f64,
    /// Divided by `count`, not by `count - 1`.
    pub variance: f64,
}

/// The element types of the JavaScript typed arrays whose values are exact in f64.
pub trait Element: Copy + Into<f64> {
    /// Whether 0 comes with two signs; -0 then is the smaller one, as `Math.min` has it.
    const HAS_NEGATIVE_ZERO: bool = false;
}

impl Element for i8 {}
impl Element for u8 {}
impl Element for i16 {}
impl Element for u16 {}
impl Element for i32 {}
impl Element for u32 {}
impl Element for f32 {
    const HAS_NEGATIVE_ZERO: bool = true;
}
impl Element for f64 {
    const HAS_NEGATIVE_ZERO: bool = true;
}

/// # Errors
/// `Stopped`.
pub fn statistics<T: Element>(values: &[T], control: &dyn Control) -> Result<Statistics, KernelError> {
    control.check()?;
    let mut total = Moments::EMPTY;
    for group in values.chunks(CHUNK * CHUNKS_PER_CHECK) {
        for chunk in group.chunks(CHUNK) {
            total.join(&Moments::of(chunk));
        }
        control.check()?;
    }
    total.finish(values, control)
}

#[derive(Clone, Copy, Debug)]
struct Moments {
    count: usize,
    sum: f64,
    /// What rounding has cut off `sum`.
    lost: f64,
    mean: f64,
    /// What rounding has cut off `mean`.
    mean_lost: f64,
    /// The squares of the distances from the mean, added up.
    squares: f64,
    min: f64,
    max: f64,
}

impl Moments {
    const EMPTY: Self = Self {
        count: 0,
        sum: 0.0,
        lost: 0.0,
        mean: 0.0,
        mean_lost: 0.0,
        squares: 0.0,
        min: f64::INFINITY,
        max: f64::NEG_INFINITY,
    };

    fn of<T: Element>(chunk: &[T]) -> Self {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the one condition is that the processor has AVX2.
            return unsafe { Self::of_with_avx2(chunk) };
        }
        Self::of_anywhere(chunk)
    }

    /// The same operations, each in its lane, and so the same digits.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn of_with_avx2<T: Element>(chunk: &[T]) -> Self {
        Self::of_anywhere(chunk)
    }

    #[inline(always)]
    fn of_anywhere<T: Element>(chunk: &[T]) -> Self {
        let (min, max) = extremes(chunk);
        let (sum, lost) = sum(chunk, start_above(min.abs().max(max.abs())));
        let count = chunk.len() as f64;
        let rounded = (sum + lost) / count;
        // Rounded twice; now once, so that equal values have themselves as their mean.
        let mean = rounded + rest(sum, lost, rounded, count) / count;
        let rest = rest(sum, lost, mean, count);
        let mut squares = [0.0; LANES];
        for_each_lane(chunk, |lane, value| {
            let distance = value - mean;
            squares[lane] += distance * distance;
        });
        let squares = add_lanes(squares).0;
        let corrected = (squares - rest * rest / count).max(0.0);
        let squares = if squares.is_finite() { corrected } else { squares };
        Self { count: chunk.len(), sum, lost, mean, mean_lost: rest / count, squares, min, max }
    }

    fn join(&mut self, other: &Self) {
        // Joined to nothing, the square of a mean beyond 1.3e154 would be infinite and counted 0 times, which
        // is NaN.
        if self.count == 0 {
            *self = *other;
            return;
        }
        let lost;
        (self.sum, lost) = add(self.sum, other.sum);
        self.lost += lost + other.lost;
        let count = self.count + other.count;
        let share = other.count as f64 / count as f64;
        let distance = (other.mean - self.mean) + (other.mean_lost - self.mean_lost);
        self.squares += other.squares + distance * distance * share * self.count as f64;
        (self.mean, self.mean_lost) = add(self.mean, self.mean_lost + distance * share);
        self.count = count;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    fn finish<T: Element>(self, values: &[T], control: &dyn Control) -> Result<Statistics, KernelError> {
        let count = self.count;
        if count == 0 {
            let nan = f64::NAN;
            return Ok(Statistics { count, sum: 0.0, min: nan, max: nan, mean: nan, variance: nan });
        }
        let sum = self.sum + self.lost;
        let (mut min, mut max) = (self.min, self.max);
        // Comparisons see neither NaN nor the sign of 0: look again in the few cases where it matters. (A sum
        // is also NaN when it adds both infinities, which have a minimum and a maximum.)
        if sum.is_nan() && any(values, control, f64::is_nan)? {
            (min, max) = (f64::NAN, f64::NAN);
        }
        if T::HAS_NEGATIVE_ZERO && min == 0.0 {
            let negative = any(values, control, |value| value == 0.0 && value.is_sign_negative())?;
            min = if negative { -0.0 } else { 0.0 };
        }
        if T::HAS_NEGATIVE_ZERO && max == 0.0 {
            let positive = any(values, control, |value| value == 0.0 && value.is_sign_positive())?;
            max = if positive { 0.0 } else { -0.0 };
        }
        let (mean, variance) = (sum / count as f64, self.squares / count as f64);
        Ok(Statistics { count, sum, min, max, mean, variance })
    }
}

fn any<T: Element>(
    values: &[T],
    control: &dyn Control,
    predicate: impl Fn(f64) -> bool,
) -> Result<bool, KernelError> {
    for group in values.chunks(CHUNK * CHUNKS_PER_CHECK) {
        control.check()?;
        if group.iter().any(|value| predicate((*value).into())) {
            return Ok(true);
        }
    }
    Ok(false)
}

#[inline(always)]
fn extremes<T: Element>(chunk: &[T]) -> (f64, f64) {
    let mut mins = [f64::INFINITY; LANES];
    let mut maxs = [f64::NEG_INFINITY; LANES];
    for_each_lane(chunk, |lane, value| {
        // Comparisons pass over NaN here; `finish` sees it in the sum.
        mins[lane] = if value < mins[lane] { value } else { mins[lane] };
        maxs[lane] = if value > maxs[lane] { value } else { maxs[lane] };
    });
    (mins.into_iter().fold(f64::INFINITY, f64::min), maxs.into_iter().fold(f64::NEG_INFINITY, f64::max))
}

/// Where the sum of a lane has to start: whatever values up to `largest` are added, it stays between one
/// power of two and the next. 0 where that would be no number: then the parts that are cut off are only about
/// right.
fn start_above(largest: f64) -> f64 {
    /// 2^1 is above the mantissa, 2^1 is the distance to both powers, and the rest is for the values of a
    /// lane.
    const ROOM: u64 = 2 + (CHUNK / LANES).ilog2() as u64;
    let exponent = (largest.to_bits() >> 52) + ROOM;
    if exponent < 2047 { 1.5 * f64::from_bits(exponent << 52) } else { 0.0 }
}

/// The rounded sum, and what rounding has cut off.
#[inline(always)]
fn sum<T: Element>(chunk: &[T], start: f64) -> (f64, f64) {
    let mut sums = [start; LANES];
    let mut losts = [0.0; LANES];
    for_each_lane(chunk, |lane, value| {
        let sum = sums[lane] + value;
        // Exact, as the sum is the larger one of the two.
        losts[lane] += value - (sum - sums[lane]);
        sums[lane] = sum;
    });
    let (sum, lost) = add_lanes(sums.map(|sum| sum - start));
    // An infinite sum has no remainder: there it is infinity minus infinity.
    (sum, if sum.is_finite() { lost + add_lanes(losts).0 } else { 0.0 })
}

/// What `count` times the mean lacks to the sum. The mean is multiplied in two halves, which is exact.
fn rest(sum: f64, lost: f64, mean: f64, count: f64) -> f64 {
    let high = f64::from_bits(mean.to_bits() & !((1 << 26) - 1));
    let rest = (sum - high * count) - (mean - high) * count + lost;
    if rest.is_finite() { rest } else { 0.0 }
}

/// Calls `add` with every value and the number of the lane that it falls into.
#[inline(always)]
fn for_each_lane<T: Element>(chunk: &[T], mut add: impl FnMut(usize, f64)) {
    let (rows, rest) = chunk.as_chunks::<LANES>();
    for row in rows {
        for (lane, value) in row.iter().enumerate() {
            add(lane, (*value).into());
        }
    }
    for (lane, value) in rest.iter().enumerate() {
        add(lane, (*value).into());
    }
}

/// The rounded sum, and what rounding has cut off, exactly; nothing where the sum is infinite.
#[inline(always)]
fn add(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let part = sum - a;
    let lost = (a - (sum - part)) + (b - part);
    (sum, if lost.is_finite() { lost } else { 0.0 })
}

/// Pairwise, which keeps the error small; and what rounding has cut off.
#[inline(always)]
fn add_lanes(lanes: [f64; LANES]) -> (f64, f64) {
    let mut lanes = lanes;
    let mut lost = 0.0;
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            let cut;
            (lanes[lane], cut) = add(lanes[lane], lanes[lane + width]);
            lost += cut;
        }
        width /= 2;
    }
    (lanes[0], lost)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_processor_finds_the_same_digits() {
        let mut state = 1_u64;
        for length in [1, 31, 33, 100, CHUNK] {
            let chunk: Vec<f64> = (0..length)
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    (state >> 11) as f64 - 2.0_f64.powi(50)
                })
                .collect();
            let floats: Vec<f32> = chunk.iter().map(|value| *value as f32).collect();
            let said = |moments: Moments| format!("{moments:?}");
            assert_eq!(said(Moments::of(&chunk)), said(Moments::of_anywhere(&chunk)));
            assert_eq!(said(Moments::of(&floats)), said(Moments::of_anywhere(&floats)));
        }
    }
}
