//! What a pool is told when it is made.

use std::time::Duration;

use crate::task::work::Kind;

/// Tasks of a lower priority are not sent ahead. So one of this priority comes before none that is, and its
/// submitter need not look.
pub(crate) const LOWEST_AHEAD: f64 = 0.0;

/// The limits of a pool.
#[derive(Clone, Debug)]
pub struct Config {
    /// How many workers of all kinds together may hold tasks at once, at first; at least 1. See
    /// [`Pool::resize`](crate::Pool::resize).
    pub max_workers: usize,
    /// How many workers of the kind [`Config::warm_kind`] are started with the pool, and never end for being
    /// idle.
    pub min_workers: usize,
    /// The kind that `min_workers` speaks of.
    pub warm_kind: Kind,
    /// The kind whose tasks may need a handover; see [`Spec::needs_handover`](crate::Spec::needs_handover).
    pub handover_kind: Kind,
    /// The kind whose workers attach by themselves: the host is never asked for one.
    pub unasked_kind: Option<Kind>,
    /// After how long an idle worker beyond `min_workers` ends; `None` for never.
    pub idle_timeout: Option<Duration>,
    /// How many tasks may wait; `None` without limit.
    pub max_queue: Option<usize>,
    /// How many tasks a worker that is not native may hold at once; at least 1.
    pub tasks_per_worker: usize,
    /// After how many tasks a worker that is not native is replaced.
    pub max_tasks_per_worker: Option<u64>,
    /// How long the pool waits after a start that failed before it asks again. Twice as long after the second
    /// one in a row, and so on, up to the longest. The cause may pass: a system that refuses a thread grants
    /// one as soon as others have ended.
    pub start_pause: Duration,
    pub longest_start_pause: Duration,
    /// How long starts must have failed, and a task have waited, before the task fails for it.
    pub start_patience: Duration,
    /// How long a start may still take when the pool has been shut down and no task waits for it.
    pub unwanted_start: Duration,
    /// What the names of native threads begin with.
    pub thread_name: String,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            max_workers: 1,
            min_workers: 0,
            warm_kind: Kind::Isolate,
            handover_kind: Kind::Isolate,
            unasked_kind: None,
            idle_timeout: Some(Duration::from_secs(60)),
            max_queue: None,
            tasks_per_worker: 1,
            max_tasks_per_worker: None,
            start_pause: Duration::from_millis(50),
            longest_start_pause: Duration::from_secs(2),
            start_patience: Duration::from_secs(30),
            unwanted_start: Duration::from_secs(2),
            thread_name: "pool".into(),
        }
    }
}
