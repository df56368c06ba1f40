//! Starts of workers that fail: how often and when they are tried again, and what happens to the tasks that
//! want them.
//!
//! A start is over when the worker begins its first task. One that ends before that has failed, also after
//! it has attached; if what it had made ready for a task may have ended it, `suspects` decides instead. After
//! a failure the pool makes do with the workers that it has, and pauses before it asks for one more; the
//! pauses grow until a worker has begun its first task.

use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::queue::task_queue::TaskQueue;
use crate::scheduler::actions::{Actions, StartAction};
use crate::scheduler::pool::{Phase, Pool, Shared};
use crate::sync::deadline::{Alarm, TimeLimit};
use crate::task::outcome::Failure;
use crate::task::task::Task;
use crate::task::work::{Kind, Work};
use crate::workers::pause::Pause;

/// So many tries are enough where workers die and none of the kind is left.
const MOST_TRIES: u32 = 3;

/// How a start has failed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum StartFailure {
    /// By the system, which refuses a thread, memory or a descriptor for now.
    Refused,
    /// The worker has ended.
    Died,
    /// It has not come in time; it is told to end.
    Late,
    /// What each worker runs before it attaches has failed.
    Uninitialized,
    /// No other start will do better.
    Fatal,
}

/// Has the pool look which pauses are over.
struct EndOfPause<W: Work>(Weak<Pool<W>>);

impl<W: Work> Alarm for EndOfPause<W> {
    fn expire(self: Arc<Self>, _limit: TimeLimit) {
        if let Some(pool) = self.0.upgrade() {
            pool.resume_starts();
        }
    }

    fn is_over(&self) -> bool {
        false
    }
}

impl<W: Work> Pool<W> {
    /// A worker that was asked for could not be started, or has ended before it attached.
    ///
    /// - A [fatal](StartFailure::Fatal) failure breaks the pool at once; so does an
    ///   [uninitialized](StartFailure::Uninitialized) worker if none has attached so far.
    /// - Workers that [die](StartFailure::Died) or are [late](StartFailure::Late) three times in a row, while
    ///   there is no other of the kind: the tasks that want such a worker fail, and so does the pool if it
    ///   has no worker of another kind either. Where workers of the kind have run tasks before, that takes
    ///   [`Config::start_patience`](crate::Config::start_patience) at least: the cause may pass.
    /// - Otherwise tasks wait. Once that patience is over, those that have waited so long fail, if there is
    ///   no worker of the kind nor one on its way; the pool goes on.
    pub fn start_failed(self: &Arc<Self>, kind: Kind, cause: Option<W::Error>, failure: StartFailure) {
        self.start_failed_as(kind, cause, failure, None);
    }

    /// The same, where it is known as which it was asked for; see [`Pool::attach_as`].
    pub fn start_failed_as(
        self: &Arc<Self>,
        kind: Kind,
        cause: Option<W::Error>,
        failure: StartFailure,
        start: Option<u64>,
    ) {
        self.change(|shared, actions| {
            let starting = &mut shared.workers.starting[kind as usize];
            *starting = starting.saturating_sub(1);
            let lost = shared.take_what_is_owed(kind, self.config.warm_kind, start);
            shared.workers.died += u64::from(failure == StartFailure::Died && !shared.is_terminated);
            self.note_failed_start(shared, kind, cause.clone(), failure, actions);
            shared.lose(lost, cause.as_ref(), actions);
            // Its destructor is the user's.
            actions.late.push(Err(Failure::Broken { cause }));
            self.rebalance(shared, actions);
        });
    }

    /// Ends the pauses that are over; see [`Host::resume_starts_after`](crate::Host::resume_starts_after).
    pub fn resume_starts(self: &Arc<Self>) {
        self.change(|shared, actions| {
            for kind in Kind::ALL {
                let k = kind as usize;
                if Pause::end(&mut shared.starts[k].pause, actions.now) {
                    // One at a time, so that a system that is short of something is left alone.
                    shared.workers.allowed[k] = shared.workers.existing(kind) + 1;
                }
                shared.starts[k].is_slow |= Pause::end(&mut shared.starts[k].preference, actions.now);
                let is_unwanted =
                    Pause::end(&mut shared.starts[k].end, actions.now) && !self.wants_starts(shared, kind);
                if is_unwanted && std::mem::take(&mut shared.workers.starting[k]) > 0 {
                    actions.starts.push(StartAction::EndStarts(kind));
                }
            }
            shared.end_bars(actions.now);
            self.rebalance(shared, actions);
        });
    }

    /// Counts the failure and draws the consequences.
    pub(crate) fn note_failed_start(
        &self,
        shared: &mut Shared<W>,
        kind: Kind,
        cause: Option<W::Error>,
        failure: StartFailure,
        actions: &mut Actions<W>,
    ) {
        let k = kind as usize;
        let is_over = matches!(shared.phase, Phase::Broken { .. }) || shared.is_terminated;
        let is_unwanted = !shared.is_open() && !self.wants_starts(shared, kind);
        let starts = &mut shared.starts[k];
        let is_first = failure == StartFailure::Uninitialized && !starts.has_attached;
        if is_over || is_unwanted {
            actions.late.push(Err(Failure::Broken { cause }));
            return;
        }
        if failure == StartFailure::Fatal || is_first {
            self.break_down(shared, cause, actions);
            return;
        }
        starts.note_failure(matches!(failure, StartFailure::Died | StartFailure::Late), actions.now);
        let time_is_over = starts.lasts(actions.now) >= self.config.start_patience;
        let gives_up = starts.deaths >= MOST_TRIES && (time_is_over || !starts.has_worked);
        // Where so many have died those that are starting will probably die, too: it does not wait for them.
        if gives_up && !shared.has_workers(kind) && shared.has_nobody_but(kind) {
            self.break_down(shared, cause, actions);
            return;
        }
        if gives_up && !shared.has_workers(kind) {
            shared.clear_kind(kind, actions, &|| Failure::Broken { cause: cause.clone() });
            shared.note_room(actions);
            shared.starts[k].end_row();
        } else if time_is_over && !shared.is_served(kind) {
            self.fail_those_that_waited(shared, kind, cause.as_ref(), actions);
        }
        if kind == self.config.warm_kind && (gives_up || time_is_over) {
            let (now, patience) = (actions.now, self.config.start_patience);
            let has_waited = |task: &Task<W>| now.saturating_duration_since(task.submitted) >= patience;
            let failure = || Failure::Broken { cause: cause.clone() };
            shared.fail_warm_ups(actions, |task| gives_up || has_waited(task), failure);
        }
        // Its destructor is the user's.
        actions.late.push(Err(Failure::Broken { cause }));
        if (gives_up || time_is_over) && !self.wants_starts(shared, kind) {
            shared.starts[k].give_up();
            shared.workers.allowed[k] = usize::MAX;
            return;
        }
        self.pause_starts(shared, kind, actions);
    }

    /// Whether a worker of `kind` that starts is waited for.
    fn wants_starts(&self, shared: &Shared<W>, kind: Kind) -> bool {
        let is_awaited = !shared.warm_ups.is_empty() || shared.broadcasts.len() > 0;
        shared.waiting(kind) > 0 || (kind == self.config.warm_kind && is_awaited)
    }

    /// In a pool that accepts no more tasks, gives the starts that no task waits for some time: what workers
    /// run before they attach may never end.
    pub(crate) fn limit_unwanted_starts(&self, shared: &mut Shared<W>, actions: &mut Actions<W>) {
        if shared.is_open() {
            return;
        }
        for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Native) {
            let k = kind as usize;
            let is_unwanted = shared.workers.starting[k] > 0 && !self.wants_starts(shared, kind);
            if is_unwanted && shared.starts[k].end.is_none() {
                shared.starts[k].end = Some(self.pause(self.config.unwanted_start, actions));
            }
        }
    }

    /// Makes do with the workers of `kind` that there are, for a while.
    fn pause_starts(&self, shared: &mut Shared<W>, kind: Kind, actions: &mut Actions<W>) {
        shared.workers.allowed[kind as usize] = shared.workers.existing(kind);
        let starts = &mut shared.starts[kind as usize];
        if starts.pause.is_none() {
            let config = &self.config;
            let length = Pause::length(starts.failures, config.start_pause, config.longest_start_pause);
            starts.pause = Some(self.pause(length, actions));
        }
    }

    /// A pause that begins now.
    pub(crate) fn pause(&self, length: Duration, actions: &mut Actions<W>) -> Pause {
        let alarm: Arc<dyn Alarm> = Arc::new(EndOfPause(self.weak.clone()));
        let until = actions.now + length;
        actions.starts.push(StartAction::SetAlarm(until, alarm.clone()));
        Pause { until, _alarm: alarm }
    }

    fn fail_those_that_waited(
        &self,
        shared: &mut Shared<W>,
        kind: Kind,
        cause: Option<&W::Error>,
        actions: &mut Actions<W>,
    ) {
        let (now, patience) = (actions.now, self.config.start_patience);
        let waited = |queue: &TaskQueue<W>| {
            queue.pending(|task| now.saturating_duration_since(task.submitted) >= patience)
        };
        let mut tasks = waited(&shared.lanes[kind as usize]);
        if kind == shared.transit.kind {
            tasks.extend(waited(&shared.transit.waiting));
        }
        if kind == shared.keyed.kind {
            tasks.extend(
                shared.keyed.pending(|task| now.saturating_duration_since(task.submitted) >= patience),
            );
        }
        for task in tasks {
            let failure = Failure::Broken { cause: cause.cloned() };
            shared.conclude_pending(&task, Err(failure), actions);
            actions.removed.push(task);
        }
    }
}

impl<W: Work> Shared<W> {
    /// A worker of `kind` begins its first task.
    pub(crate) fn note_first_task(&mut self, kind: Kind) {
        let k = kind as usize;
        if self.starts[k].note_success() {
            self.must_rebalance = true;
        }
        if self.workers.allowed[k] < usize::MAX {
            // As many again at the most, and not all that are wanted: a system that is short of something is
            // often the user's whole program, which must not find that all has gone each time a bit was free.
            self.workers.allowed[k] = 2 * self.workers.existing(kind);
            self.must_rebalance = true;
        }
    }

    /// Whether a worker of `kind` can claim.
    fn has_workers(&self, kind: Kind) -> bool {
        self.workers.living[kind as usize] > self.workers.waiting[kind as usize]
    }

    /// Whether a worker of `kind` can claim, now or soon.
    fn is_served(&self, kind: Kind) -> bool {
        self.has_workers(kind) || self.workers.starting[kind as usize] > 0
    }

    /// Whether no worker is attached, and none of another kind is starting.
    fn has_nobody_but(&self, kind: Kind) -> bool {
        let workers = &self.workers;
        let others = Kind::ALL.into_iter().filter(|other| *other != kind);
        workers.living.iter().all(|count| *count == 0)
            && others.map(|other| workers.starting[other as usize]).all(|count| count == 0)
    }
}
