//! How many completions are delivered at once, and for how long in one turn of the loop.
//!
//! What the user's code does with a result runs when the callback ends that delivers it: it takes a fraction
//! of a microsecond for one program, and a millisecond for another. Timers and connections wait meanwhile. So
//! batches are as large as the last ones let expect to be over in a quarter of a turn's time.

use std::cell::Cell;
use std::time::{Duration, Instant};

use crate::isolate::header::BATCH_ROWS;

/// How long one turn delivers, but for the last batch, before the loop does something else.
const TURN_TIME: Duration = Duration::from_millis(1);
const BATCH_TIME: Duration = Duration::from_micros(250);
const FEWEST_ROWS: usize = 4;

pub(crate) struct DeliveryPace {
    /// The most rows of the next batch.
    most: Cell<usize>,
    /// Rows of the last one.
    sent: Cell<usize>,
    /// Whether the loop is to turn before the next one.
    ends_turn: Cell<bool>,
}

impl Default for DeliveryPace {
    fn default() -> Self {
        DeliveryPace { most: Cell::new(BATCH_ROWS), sent: Cell::new(0), ends_turn: Cell::new(false) }
    }
}

impl DeliveryPace {
    pub(crate) fn most_rows(&self) -> usize {
        self.most.get()
    }

    pub(crate) fn note_sent(&self, rows: usize) {
        self.sent.set(rows);
    }

    /// The batch is the last one of this turn.
    pub(crate) fn end_turn(&self) {
        self.ends_turn.set(true);
    }

    /// Calls `deliver` for one batch after the other, as long as `has_more` and the turn is not over.
    pub(crate) fn deliver_for_a_turn(&self, mut deliver: impl FnMut(), has_more: impl Fn() -> bool) {
        let began = Instant::now();
        let mut before = began;
        loop {
            self.sent.set(0);
            deliver();
            let now = Instant::now();
            self.adjust(now - before);
            if self.ends_turn.take() || now - began >= TURN_TIME || !has_more() {
                return;
            }
            before = now;
        }
    }

    /// The last batch has taken so long, with all that followed from it.
    fn adjust(&self, took: Duration) {
        let sent = self.sent.get() as u128;
        if sent == 0 {
            return;
        }
        let fitting = BATCH_TIME.as_nanos() * sent / took.as_nanos().max(1);
        let fitting = usize::try_from(fitting).unwrap_or(BATCH_ROWS).clamp(FEWEST_ROWS, BATCH_ROWS);
        // One quick batch may be an exception, a slow one need not be.
        self.most.set(fitting.min(2 * self.most.get()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_shrink_at_once_and_grow_again_step_by_step() {
        let pace = DeliveryPace::default();
        pace.note_sent(512);
        pace.adjust(Duration::from_millis(25));
        assert_eq!(pace.most_rows(), 5);
        pace.note_sent(5);
        pace.adjust(Duration::from_micros(2));
        assert_eq!(pace.most_rows(), 10);
        pace.note_sent(1);
        pace.adjust(Duration::from_secs(1));
        assert_eq!(pace.most_rows(), FEWEST_ROWS);
        pace.note_sent(0);
        pace.adjust(Duration::ZERO);
        assert_eq!(pace.most_rows(), FEWEST_ROWS);
    }

    #[test]
    fn a_turn_ends_when_nothing_is_left() {
        let pace = DeliveryPace::default();
        let left = Cell::new(3);
        pace.deliver_for_a_turn(|| left.set(left.get() - 1), || left.get() > 0);
        assert_eq!(left.get(), 0);
    }
}
