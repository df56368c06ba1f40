//! Counting primes without finding them all.
//!
//! Legendre's idea in the form that Lucy_Hedgehog made popular: keep, for every value `v` that `limit / k`
//! can take, how many numbers up to `v` survive the sieve so far, and take out the multiples of one prime
//! after the other. Only about `2 * sqrt(limit)` counts exist, so 10^12 needs 8 MB and about a tenth of a
//! second. Two savings over the plain form: even numbers never enter (hence the halved indices), and
//! `limit / k` is no longer updated once the smallest prime factor of `k` has been sieved, since nobody reads
//! it after that.

use crate::{Control, KernelError};

/// The largest limit that `count_primes` takes. Keeps quotients exact in f64 and the tables small.
pub const MAX_LIMIT: u64 = 1_000_000_000_000;

/// Updates between two looks at the control, well under a millisecond.
const UPDATES_PER_CHECK: usize = 64 * 1024;

/// How many primes are <= `limit`.
///
/// # Errors
/// `Range` when `limit` is above `MAX_LIMIT`, `Stopped`.
pub fn count_primes(limit: u64, control: &dyn Control) -> Result<u64, KernelError> {
    if limit > MAX_LIMIT {
        return Err(KernelError::Range(format!(
            "limit must be an integer from 0 to {MAX_LIMIT}, not {limit}"
        )));
    }
    control.check()?;
    if limit < 3 {
        return Ok(u64::from(limit == 2));
    }
    let mut survivors = Survivors::new(limit);
    let mut prime = 3;
    while prime * prime <= limit {
        if survivors.is_prime(prime) {
            survivors.remove_multiples(prime, control)?;
        }
        prime += 2;
    }
    Ok(survivors.large[0] + 1) // 2 is the one prime that the table leaves out
}

/// How many odd numbers from 3 to `v` have survived, for the `v` that matter.
struct Survivors {
    limit: u64,
    root: u64,
    /// `small[i]` counts up to `2 i + 1` (and so up to `2 i + 2`), for all values up to `root`.
    small: Vec<u32>,
    /// `large[i]` counts up to `limit / (2 i + 1)`, for divisors up to `root`.
    large: Vec<u64>,
    /// The odd divisors `k`, ascending, whose `large` count someone will still read.
    divisors: Vec<u32>,
}

impl Survivors {
    fn new(limit: u64) -> Self {
        let root = limit.isqrt();
        let odd = 1..=root.div_ceil(2);
        Self {
            limit,
            root,
            small: odd.clone().map(|i| (i - 1) as u32).collect(),
            large: odd.clone().map(|i| (limit / (2 * i - 1)).div_ceil(2) - 1).collect(),
            divisors: odd.map(|i| (2 * i - 1) as u32).collect(),
        }
    }

    /// Right for an odd `number` from 3 to `root` when the multiples of all smaller primes have been removed.
    fn is_prime(&self, number: u64) -> bool {
        let i = index(number);
        self.small[i] > self.small[i - 1]
    }

    fn remove_multiples(&mut self, prime: u64, control: &dyn Control) -> Result<(), KernelError> {
        let below = self.small[index(prime) - 1];
        self.update_large(prime, below, control)?;
        self.update_small(prime, below, control)
    }

    /// Ascending in `k`: the counts for `k * prime` must be read before they change.
    fn update_large(&mut self, prime: u64, below: u32, control: &dyn Control) -> Result<(), KernelError> {
        // Numbers below prime^2 lose nothing to this prime, nor to any later one.
        let last = self.limit / (prime * prime);
        self.divisors.truncate(self.divisors.partition_point(|&k| u64::from(k) <= last));
        let limit = self.limit as f64;
        let (mut read, mut kept) = (0, 0);
        while read < self.divisors.len() {
            control.check()?;
            let end = self.divisors.len().min(read + UPDATES_PER_CHECK);
            for i in read..end {
                let k = self.divisors[i];
                if k.is_multiple_of(prime as u32) {
                    continue;
                }
                self.divisors[kept] = k;
                kept += 1;
                let product = u64::from(k) * prime;
                let count = if product <= self.root {
                    self.large[index(product)]
                } else {
                    // The nearest fraction below an integer is 1/product away, which is over 2^13 times the
                    // rounding error for limits up to 10^12: the truncated quotient is exact.
                    u64::from(self.small[index((limit / product as f64) as u64)])
                };
                self.large[index(u64::from(k))] -= count - u64::from(below);
            }
            read = end;
        }
        self.divisors.truncate(kept);
        Ok(())
    }

    /// Descending: all `v` with the same `v / prime` lose the same amount, which is read before it changes.
    fn update_small(&mut self, prime: u64, below: u32, control: &dyn Control) -> Result<(), KernelError> {
        let mut end = self.small.len();
        let mut since_check = 0;
        let mut quotient = self.root / prime;
        if quotient.is_multiple_of(2) {
            quotient = quotient.saturating_sub(1);
        }
        while quotient >= prime {
            let removed = self.small[index(quotient)] - below;
            let start = index(quotient * prime);
            for count in &mut self.small[start..end] {
                *count -= removed;
            }
            since_check += end - start;
            if since_check >= UPDATES_PER_CHECK {
                control.check()?;
                since_check = 0;
            }
            end = start;
            quotient -= 2;
        }
        Ok(())
    }
}

fn index(value: u64) -> usize {
    ((value - 1) / 2) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::{Stopped, Unstoppable};
    use std::cell::Cell;

    #[test]
    fn known_counts() {
        for (limit, count) in [
            (0, 0),
            (1, 0),
            (2, 1),
            (3, 2),
            (10, 4),
            (1_000_000, 78_498),
            (1_000_000_000, 50_847_534),
            (10_000_000_000, 455_052_511),
            (MAX_LIMIT, 37_607_912_018),
        ] {
            assert_eq!(count_primes(limit, &Unstoppable), Ok(count), "limit {limit}");
        }
    }

    #[test]
    fn agrees_with_trial_division_around_every_square() {
        let mut count = 0;
        for limit in 0..=20_000_u64 {
            let prime = limit > 1 && (2..).take_while(|d| d * d <= limit).all(|d| !limit.is_multiple_of(d));
            count += u64::from(prime);
            assert_eq!(count_primes(limit, &Unstoppable), Ok(count), "limit {limit}");
        }
    }

    #[test]
    fn a_limit_out_of_range_is_an_error() {
        assert!(matches!(count_primes(MAX_LIMIT + 1, &Unstoppable), Err(KernelError::Range(_))));
        assert!(matches!(count_primes(u64::MAX, &Unstoppable), Err(KernelError::Range(_))));
    }

    #[test]
    fn stops_at_any_check() {
        struct After(Cell<u32>);
        impl Control for After {
            fn check(&self) -> Result<(), Stopped> {
                let left = self.0.get().checked_sub(1).ok_or(Stopped)?;
                self.0.set(left);
                Ok(())
            }
        }
        for checks in [0, 1, 2, 100] {
            let result = count_primes(MAX_LIMIT, &After(Cell::new(checks)));
            assert_eq!(result, Err(KernelError::Stopped));
        }
    }
}
