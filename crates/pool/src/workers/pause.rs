//! Times in which something is not tried.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::sync::deadline::Alarm;

pub(crate) struct Pause {
    pub(crate) until: Instant,
    /// Held here, because the clock holds it weakly.
    pub(crate) _alarm: Arc<dyn Alarm>,
}

impl Pause {
    /// How long the `number`th pause of a row is, from 1: each twice as long as the one before.
    pub(crate) fn length(number: u32, first: Duration, longest: Duration) -> Duration {
        let factor = 1_u32.checked_shl(number.saturating_sub(1)).unwrap_or(u32::MAX);
        first.checked_mul(factor).unwrap_or(longest).min(longest)
    }

    /// Ends it if it is over by now. Says whether it was.
    pub(crate) fn end(pause: &mut Option<Pause>, now: Instant) -> bool {
        pause.take_if(|pause| pause.until <= now).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pause_is_twice_as_long_as_the_one_before_up_to_the_longest() {
        let (first, longest) = (Duration::from_millis(50), Duration::from_secs(2));
        let lengths: Vec<_> =
            (1..=7).map(|number| Pause::length(number, first, longest).as_millis()).collect();
        assert_eq!(lengths, [50, 100, 200, 400, 800, 1600, 2000]);
        assert_eq!(Pause::length(u32::MAX, first, longest), longest);
        assert_eq!(Pause::length(9, Duration::ZERO, longest), Duration::ZERO);
    }
}
