//! What the pool knows of the starts of workers; what follows from it stands in `scheduler::starts`.

use std::time::{Duration, Instant};

use crate::workers::pause::Pause;

/// So long after the last failure the next one begins a new row.
const ROW_ENDS: Duration = Duration::from_secs(60);

/// The starts of one kind. Its failures are a *row* until a worker has begun its first task, or none has
/// failed for a minute; those in one pause count as one, because they were asked for together.
#[derive(Default)]
pub(crate) struct Starts {
    /// Failures of the row.
    pub(crate) failures: u32,
    /// Those among them where a worker has ended.
    pub(crate) deaths: u32,
    /// When the first and the last of the row were.
    since: Option<Instant>,
    last: Option<Instant>,
    /// No more workers than `Registry::allowed` are asked for meanwhile.
    pub(crate) pause: Option<Pause>,
    /// Whether workers are started only for tasks, and not to be kept warm.
    pub(crate) has_given_up: bool,
    /// Whether any worker of the kind has attached so far, and whether any has begun a task.
    pub(crate) has_attached: bool,
    pub(crate) has_worked: bool,
    /// After it the starts end that no task waits for, in a pool that has been shut down.
    pub(crate) end: Option<Pause>,
    /// For so long a worker that starts is waited for although another could take the task; after it, until
    /// one has attached, none is. See `scheduler::on_top`.
    pub(crate) preference: Option<Pause>,
    pub(crate) is_slow: bool,
}

impl Starts {
    pub(crate) fn note_attached(&mut self) {
        self.has_attached = true;
        (self.preference, self.is_slow) = (None, false);
    }

    pub(crate) fn note_failure(&mut self, is_death: bool, now: Instant) {
        if self.last.is_some_and(|last| now.saturating_duration_since(last) >= ROW_ENDS) {
            self.end_row();
        }
        self.has_given_up = false;
        self.since.get_or_insert(now);
        self.last = Some(now);
        if self.pause.is_none() {
            self.failures += 1;
            self.deaths += u32::from(is_death);
        }
    }

    /// How long the row lasts.
    pub(crate) fn lasts(&self, now: Instant) -> Duration {
        self.since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    /// A worker has begun its first task. Whether that ends a row.
    pub(crate) fn note_success(&mut self) -> bool {
        self.has_worked = true;
        let ends = self.failures > 0 || self.has_given_up;
        self.end_row();
        self.has_given_up = false;
        ends
    }

    /// Tries no more, unless a task asks for it. The row goes on: another worker of it may die yet.
    pub(crate) fn give_up(&mut self) {
        self.pause = None;
        self.has_given_up = true;
    }

    /// The next failure is the first of a row.
    pub(crate) fn end_row(&mut self) {
        (self.failures, self.deaths, self.since, self.last) = (0, 0, None, None);
        self.pause = None;
    }
}
