//! Counts of how tasks ended, and histograms of how long they waited and ran.

use std::time::Duration;

use crate::task::outcome::Ending;

/// How the settled tasks of a pool ended. Each is counted once: the counts add up to all settled tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub completed: u64,
    pub failed: u64,
    pub cancelled: u64,
    pub timed_out: u64,
    pub lost: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, ending: Ending) {
        *match ending {
            Ending::Completed => &mut self.completed,
            Ending::Failed => &mut self.failed,
            Ending::Cancelled => &mut self.cancelled,
            Ending::TimedOut => &mut self.timed_out,
            Ending::Lost => &mut self.lost,
        } += 1;
    }
}

/// What a histogram tells; times in milliseconds, all 0 while `count` is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Summary {
    pub count: u64,
    pub sum: f64,
    pub min: f64,
    pub mean: f64,
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub max: f64,
    /// How many of the times are not above each of [`BOUNDS`], within the width of a bucket; then all.
    pub buckets: [u64; BOUNDS.len() + 1],
}

/// In milliseconds: from a no-op to what a person waits for.
pub const BOUNDS: [f64; 19] = [
    0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1_000.0, 2_500.0, 5_000.0,
    10_000.0, 30_000.0, 60_000.0,
];

/// One look at a pool.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    pub idle: usize,
    pub busy: usize,
    pub starting: usize,
    pub abandoned: usize,
    /// Workers that have ended by themselves so far; see [`Pool::note_death`](crate::Pool::note_death).
    pub died: u64,
    /// Whether submissions are refused as [`Broken`](crate::Refusal::Broken).
    pub broken: bool,
    pub queued: usize,
    pub running: usize,
    pub counts: Counts,
    pub wait_time: Summary,
    pub run_time: Summary,
}

/// Buckets whose width is a sixteenth of their power of two, so that a quantile is within 6.25 %.
/// This is the layout of HdrHistogram with four significant bits. Only the buckets between the shortest and
/// the longest time are kept: all of them would be most of the memory of a pool, which outlives its threads.
#[derive(Default)]
pub(crate) struct Histogram {
    /// Which bucket `buckets` begins with.
    first: usize,
    buckets: Vec<u64>,
    count: u64,
    total: u128,
    min: u64,
    max: u64,
}

const SUB_BITS: u32 = 4;
const SUB: usize = 1 << SUB_BITS;

fn bucket_of(nanos: u64) -> usize {
    if nanos < SUB as u64 {
        return nanos as usize;
    }
    let shift = 63 - nanos.leading_zeros() - SUB_BITS;
    (shift as usize + 1) * SUB + ((nanos >> shift) as usize - SUB)
}

fn upper_edge(bucket: usize) -> u64 {
    if bucket < SUB {
        return bucket as u64;
    }
    let shift = bucket / SUB - 1;
    let next = ((bucket % SUB + SUB + 1) as u128) << shift;
    u64::try_from(next - 1).unwrap_or(u64::MAX)
}

impl Histogram {
    pub(crate) fn record(&mut self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        *self.bucket(bucket_of(nanos)) += 1;
        self.min = if self.count == 0 { nanos } else { self.min.min(nanos) };
        self.count += 1;
        self.total += u128::from(nanos);
        self.max = self.max.max(nanos);
    }

    fn bucket(&mut self, bucket: usize) -> &mut u64 {
        if self.count == 0 {
            self.first = bucket;
        }
        if bucket < self.first {
            self.buckets.splice(0..0, std::iter::repeat_n(0, self.first - bucket));
            self.first = bucket;
        }
        let at = bucket - self.first;
        if at >= self.buckets.len() {
            self.buckets.resize(at + 1, 0);
        }
        &mut self.buckets[at]
    }

    pub(crate) fn summary(&self) -> Summary {
        if self.count == 0 {
            return Summary::default();
        }
        let millis = |nanos: u64| nanos as f64 / 1e6;
        let quantile = |q: f64| millis(self.quantile(q));
        Summary {
            count: self.count,
            sum: self.total as f64 / 1e6,
            min: millis(self.min),
            mean: self.total as f64 / self.count as f64 / 1e6,
            p50: quantile(0.5),
            p90: quantile(0.9),
            p99: quantile(0.99),
            max: millis(self.max),
            buckets: self.cumulative(),
        }
    }

    /// A bucket that has a bound in it is above that, but for the last: the longest time is known.
    fn cumulative(&self) -> [u64; BOUNDS.len() + 1] {
        let mut totals = [self.count; BOUNDS.len() + 1];
        let (mut at, mut seen) = (0, 0);
        for (bound, total) in BOUNDS.iter().zip(&mut totals) {
            let bound = (bound * 1e6) as u64;
            while at < self.buckets.len() && upper_edge(self.first + at).min(self.max) <= bound {
                seen += self.buckets[at];
                at += 1;
            }
            *total = seen;
        }
        totals
    }

    fn quantile(&self, q: f64) -> u64 {
        let rank = ((self.count as f64 * q).ceil() as u64).max(1);
        let mut seen = 0;
        for (at, &count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return upper_edge(self.first + at).clamp(self.min, self.max);
            }
        }
        self.max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_lies_in_its_bucket() {
        for nanos in (0..70_000).chain([u64::MAX - 1, u64::MAX, 1 << 40]) {
            let bucket = bucket_of(nanos);
            assert!(upper_edge(bucket) >= nanos);
            assert!(bucket == 0 || upper_edge(bucket - 1) < nanos);
        }
    }

    #[test]
    fn only_the_buckets_between_the_extremes_are_kept() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.buckets.len(), 0);
        for nanos in [1_000, 900, 1_100] {
            histogram.record(Duration::from_nanos(nanos));
        }
        assert_eq!(histogram.buckets.len(), bucket_of(1_100) - bucket_of(900) + 1);
        for nanos in [u64::MAX, 0] {
            histogram.record(Duration::from_nanos(nanos));
        }
        assert_eq!(histogram.buckets.len(), bucket_of(u64::MAX) + 1);
        assert_eq!((histogram.summary().count, histogram.buckets.iter().sum()), (5, 5));
    }

    #[test]
    fn quantiles_are_within_a_sixteenth() {
        let mut histogram = Histogram::default();
        // In any order.
        for millis in (500..=1000).chain((1..500).rev()) {
            histogram.record(Duration::from_millis(millis));
        }
        let summary = histogram.summary();
        assert_eq!((summary.count, summary.min, summary.max), (1000, 1.0, 1000.0));
        assert!((summary.mean - 500.5).abs() < 1e-6);
        assert!((summary.sum - 500_500.0).abs() < 1e-6);
        for (bound, count) in BOUNDS.iter().zip(summary.buckets) {
            let want = bound.clamp(0.0, 1e3).floor();
            assert!(count as f64 <= want && count as f64 >= want / 1.0625 - 1.0, "{count} up to {bound}");
        }
        assert_eq!(summary.buckets[13..], [1000; 7]);
        for (got, want) in [(summary.p50, 500.0), (summary.p90, 900.0), (summary.p99, 990.0)] {
            assert!(got >= want && got <= want * 1.0625, "{got} for {want}");
        }
    }
}
