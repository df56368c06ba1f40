//! Sorting by radix: eight passes over the bytes of the keys, lowest first, of which those that would move
//! nothing are left out. Unlike a comparison sort it can look at the control at any element, and it is faster
//! beyond a few thousand of them.

use crate::order::key;
use crate::output::zeros;
use crate::{Control, KernelError};

/// Below this a comparison sort wins, and takes no longer than a chunk of a pass.
const SMALL: usize = 4096;

/// Elements between two looks at the control: some 0.2 ms.
const CHUNK: usize = 64 * 1024;

const DIGIT_BITS: usize = 8;
const BUCKETS: usize = 1 << DIGIT_BITS;
const DIGITS: usize = 64 / DIGIT_BITS;

/// Sorts in the order of `TypedArray.prototype.sort`. Needs as much memory again as `values` takes.
/// After an error their order is unspecified, and some may be there twice.
///
/// # Errors
/// `OutOfMemory`, `Stopped`.
pub fn sort(values: &mut [f64], control: &dyn Control) -> Result<(), KernelError> {
    control.check()?;
    if values.len() <= SMALL {
        values.sort_unstable_by_key(|value| key(*value));
        return Ok(());
    }
    let Some(histograms) = count_digits(values, control)? else {
        return Ok(());
    };
    let mut scratch = zeros(values.len(), control)?;
    let (mut from, mut to) = (&mut *values, &mut scratch[..]);
    let mut swapped = false;
    for (digit, histogram) in histograms.iter().enumerate() {
        if histogram.contains(&from.len()) {
            continue; // all elements agree in this digit
        }
        scatter(from, to, digit, histogram, control)?;
        (from, to) = (to, from);
        swapped = !swapped;
    }
    if swapped {
        for (to, from) in to.chunks_mut(CHUNK).zip(from.chunks(CHUNK)) {
            control.check()?;
            to.copy_from_slice(from);
        }
    }
    Ok(())
}

type Histogram = [usize; BUCKETS];

#[inline(always)]
fn digit_of(key: u64, digit: usize) -> usize {
    (key >> (digit * DIGIT_BITS)) as usize % BUCKETS
}

/// How often each value of each digit occurs; `None` when the values are in order already.
fn count_digits(values: &[f64], control: &dyn Control) -> Result<Option<[Histogram; DIGITS]>, KernelError> {
    let mut histograms = [[0; BUCKETS]; DIGITS];
    let (mut previous, mut sorted) = (0, true);
    for chunk in values.chunks(CHUNK) {
        control.check()?;
        for value in chunk {
            let key = key(*value);
            sorted &= previous <= key;
            previous = key;
            for (digit, histogram) in histograms.iter_mut().enumerate() {
                histogram[digit_of(key, digit)] += 1;
            }
        }
    }
    Ok((!sorted).then_some(histograms))
}

/// Moves every element to its place by one digit, keeping the order of those that agree in it.
fn scatter(
    from: &[f64],
    to: &mut [f64],
    digit: usize,
    histogram: &Histogram,
    control: &dyn Control,
) -> Result<(), KernelError> {
    let mut next = [0; BUCKETS];
    let mut start = 0;
    for (next, count) in next.iter_mut().zip(histogram) {
        *next = start;
        start += count;
    }
    for chunk in from.chunks(CHUNK) {
        control.check()?;
        for value in chunk {
            let next = &mut next[digit_of(key(*value), digit)];
            to[*next] = *value;
            *next += 1;
        }
    }
    Ok(())
}
