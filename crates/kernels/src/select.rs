//! The k-th smallest number without sorting: count by the top 16 bits of the keys, keep the bucket that holds
//! rank k, and go on with the next 16 bits. Two passes over the values, usually, and no copy of all of them.

use crate::order::key;
use crate::{Control, KernelError};

/// Below this, clearing the counters would cost more than selecting by comparison.
const SMALL: usize = 16 * 1024;

/// Elements between two looks at the control: some 0.1 ms.
const CHUNK: usize = 64 * 1024;

const DIGIT_BITS: u32 = 16;
const BUCKETS: usize = 1 << DIGIT_BITS;

/// The element that `sort` would put at index `k`.
///
/// # Errors
/// `Range` when there is no such index, `OutOfMemory`, `Stopped`.
pub fn select(values: &[f64], k: usize, control: &dyn Control) -> Result<f64, KernelError> {
    control.check()?;
    if k >= values.len() {
        return Err(KernelError::Range(format!(
            "k must be an integer from 0 to {} (the array has {} elements), not {k}",
            values.len().saturating_sub(1),
            values.len()
        )));
    }
    let mut rank = k;
    let mut candidates = Vec::new();
    let mut source = values;
    let mut shift = u64::BITS;
    while source.len() > SMALL && shift > 0 {
        shift -= DIGIT_BITS;
        let (digit, below, count) = bucket_of_rank(source, rank, shift, control)?;
        rank -= below;
        if count < source.len() {
            candidates = keep(source, digit, count, shift, control)?;
            source = &candidates;
        }
    }
    if shift == 0 {
        return Ok(source[0]); // all that is left are equal
    }
    let mut rest = if candidates.is_empty() { source.to_vec() } else { candidates };
    Ok(*rest.select_nth_unstable_by_key(rank, |value| key(*value)).1)
}

#[inline(always)]
fn digit_of(value: f64, shift: u32) -> usize {
    (key(value) >> shift) as usize % BUCKETS
}

/// The digit of the element with this rank, how many elements have a smaller one, and how many have the same.
fn bucket_of_rank(
    values: &[f64],
    rank: usize,
    shift: u32,
    control: &dyn Control,
) -> Result<(usize, usize, usize), KernelError> {
    let mut counts = vec![0_usize; BUCKETS];
    for chunk in values.chunks(CHUNK) {
        control.check()?;
        for value in chunk {
            counts[digit_of(*value, shift)] += 1;
        }
    }
    let mut below = 0;
    for (digit, &count) in counts.iter().enumerate() {
        if rank < below + count {
            return Ok((digit, below, count));
        }
        below += count;
    }
    unreachable!("the counts add up to the number of values, which is above the rank")
}

fn keep(
    values: &[f64],
    digit: usize,
    count: usize,
    shift: u32,
    control: &dyn Control,
) -> Result<Vec<f64>, KernelError> {
    let mut kept = Vec::new();
    kept.try_reserve_exact(count).map_err(|_| KernelError::OutOfMemory)?;
    for chunk in values.chunks(CHUNK) {
        control.check()?;
        kept.extend(chunk.iter().filter(|value| digit_of(**value, shift) == digit));
    }
    Ok(kept)
}
