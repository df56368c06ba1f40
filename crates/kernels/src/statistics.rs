//! Count, sum, extremes, mean and population variance in one walk over the memory.
//!
//! A chunk that fits the nearest cache is read twice (sum and extremes; squares of the distances from the
//! chunk's own mean), which keeps the variance exact where the textbook's "mean of squares minus square of the mean"
//! loses all digits. The chunks are joined by the formula of Chan, Golub and LeVeque.

use crate::{Control, KernelError};

/// 32 KiB of f64 at most: two passes over one chunk stay in the first-level cache.
const CHUNK: usize = 4096;

/// Chunks between two looks at the control: some 0.1 ms.
const CHUNKS_PER_CHECK: usize = 64;

/// Independent partial sums: enough for the compiler to use SIMD registers and hide the latency of additions.
const LANES: usize = 16;

/// Results are NaN where they are undefined: `min`, `max`, `mean` and `variance` of nothing, and all but `count` of
/// values with a NaN among them. As with any sum in f64, values near 1.8e308 overflow to infinities.
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

#[derive(Clone, Copy)]
struct Moments {
    count: usize,
    sum: f64,
    /// What rounding has cut off `sum` so far (Neumaier).
    lost: f64,
    mean: f64,
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
        squares: 0.0,
        min: f64::INFINITY,
        max: f64::NEG_INFINITY,
    };

    fn of<T: Element>(chunk: &[T]) -> Self {
        let mut sums = [0.0; LANES];
        let mut mins = [f64::INFINITY; LANES];
        let mut maxs = [f64::NEG_INFINITY; LANES];
        for_each_lane(chunk, |lane, value| {
            sums[lane] += value;
            // Comparisons pass over NaN here; `finish` sees it in the sum.
            mins[lane] = if value < mins[lane] { value } else { mins[lane] };
            maxs[lane] = if value > maxs[lane] { value } else { maxs[lane] };
        });
        let sum = add_lanes(sums);
        let mean = sum / chunk.len() as f64;
        let mut squares = [0.0; LANES];
        for_each_lane(chunk, |lane, value| {
            let distance = value - mean;
            squares[lane] += distance * distance;
        });
        Self {
            count: chunk.len(),
            sum,
            lost: 0.0,
            mean,
            squares: add_lanes(squares),
            min: mins.into_iter().fold(f64::INFINITY, f64::min),
            max: maxs.into_iter().fold(f64::NEG_INFINITY, f64::max),
        }
    }

    fn join(&mut self, other: &Self) {
        // Joined to nothing, the square of a mean beyond 1.3e154 would be infinite and counted 0 times, which is NaN.
        if self.count == 0 {
            *self = *other;
            return;
        }
        let sum = self.sum + other.sum;
        self.lost += if self.sum.abs() >= other.sum.abs() {
            (self.sum - sum) + other.sum
        } else {
            (other.sum - sum) + self.sum
        };
        self.sum = sum;
        let count = self.count + other.count;
        let share = other.count as f64 / count as f64;
        let distance = other.mean - self.mean;
        self.squares += other.squares + distance * distance * share * self.count as f64;
        self.mean += distance * share;
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
        // An infinite sum has no remainder: there `lost` is infinity minus infinity.
        let sum = if self.sum.is_finite() { self.sum + self.lost } else { self.sum };
        let (mut min, mut max) = (self.min, self.max);
        // Comparisons see neither NaN nor the sign of 0: look again in the few cases where it matters. (A sum is
        // also NaN when it adds both infinities, which have a minimum and a maximum.)
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

/// Pairwise, which keeps the error small.
fn add_lanes(lanes: [f64; LANES]) -> f64 {
    let mut lanes = lanes;
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] += lanes[lane + width];
        }
        width /= 2;
    }
    lanes[0]
}
