//! What a pool has counted, as a flat array of numbers.

use pool::{BOUNDS, Summary};

use crate::js::shared_numbers;
use crate::tasks::task::JsPool;
use crate::values::shared_value;

shared_numbers! {
    /// Where in the array of `stats` the counts are, and the summaries of the two times.
    pub(crate) STATS = "STATS": usize {
        IDLE = 0,
        BUSY = 1,
        STARTING = 2,
        ABANDONED = 3,
        QUEUED = 4,
        RUNNING = 5,
        COMPLETED = 6,
        FAILED = 7,
        CANCELLED = 8,
        TIMED_OUT = 9,
        LOST = 10,
        DIED = 11,
        BROKEN = 12,
        SHARED_VALUES = 13,
        SHARED_BYTES = 14,
        WAIT_TIME = 15,
        RUN_TIME = WAIT_TIME + SUMMARY_LENGTH,
        LENGTH = RUN_TIME + SUMMARY_LENGTH,
    }
}

shared_numbers! {
    /// Where in a summary its numbers are; times in milliseconds.
    pub(crate) SUMMARY = "SUMMARY": usize {
        COUNT = 0,
        MIN = 1,
        MEAN = 2,
        P50 = 3,
        P90 = 4,
        P99 = 5,
        MAX = 6,
        SUM = 7,
        /// So many buckets, each its upper bound and how many times are not above it.
        BUCKETS = BOUNDS.len() + 1,
        FIRST_BUCKET = 8,
    }
}
const SUMMARY_LENGTH: usize = FIRST_BUCKET + 2 * BUCKETS;

/// What is the same for all pools of the process, and of a pool in which nothing has run yet.
pub(crate) fn of_process() -> [f64; LENGTH] {
    let (shared_values, shared_bytes) = shared_value::totals();
    let mut numbers = [0.0; LENGTH];
    numbers[SHARED_VALUES] = shared_values as f64;
    numbers[SHARED_BYTES] = shared_bytes as f64;
    for from in [WAIT_TIME, RUN_TIME] {
        for (at, bound) in BOUNDS.into_iter().chain([f64::INFINITY]).enumerate() {
            numbers[from + FIRST_BUCKET + 2 * at] = bound;
        }
    }
    numbers
}

/// The counts of a pool now.
pub(crate) fn of_pool(pool: &JsPool) -> [f64; LENGTH] {
    let view = pool.stats();
    let counts = view.counts;
    let mut numbers = of_process();
    for (at, count) in [
        (IDLE, view.idle as u64),
        (BUSY, view.busy as u64),
        (STARTING, view.starting as u64),
        (ABANDONED, view.abandoned as u64),
        (QUEUED, view.queued as u64),
        (RUNNING, view.running as u64),
        (COMPLETED, counts.completed),
        (FAILED, counts.failed),
        (CANCELLED, counts.cancelled),
        (TIMED_OUT, counts.timed_out),
        (LOST, counts.lost),
        (DIED, view.died),
        (BROKEN, u64::from(view.broken)),
    ] {
        numbers[at] = count as f64;
    }
    for (from, summary) in [(WAIT_TIME, view.wait_time), (RUN_TIME, view.run_time)] {
        let Summary { count, sum, min, mean, p50, p90, p99, max, buckets } = summary;
        for (at, count) in buckets.into_iter().enumerate() {
            numbers[from + FIRST_BUCKET + 2 * at + 1] = count as f64;
        }
        for (at, number) in [
            (COUNT, count as f64),
            (MIN, min),
            (MEAN, mean),
            (P50, p50),
            (P90, p90),
            (P99, p99),
            (MAX, max),
            (SUM, sum),
        ] {
            numbers[from + at] = number;
        }
    }
    numbers
}
