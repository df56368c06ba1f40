//! Times as JavaScript has them.

use std::time::Duration;

/// Milliseconds, however many; longer than a century is no limit that matters.
pub(crate) fn duration(ms: f64) -> Duration {
    Duration::try_from_secs_f64(ms / 1e3).unwrap_or(CENTURY).min(CENTURY)
}

const CENTURY: Duration = Duration::from_secs(100 * 366 * 24 * 3600);
