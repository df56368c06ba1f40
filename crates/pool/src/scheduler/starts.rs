//! Starts of workers that fail: how often and when they are tried again, and what happens to the tasks that
//! want them.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use crate::scheduler::actions::Actions;
use crate::scheduler::pool::{Pool, Shared};
use crate::sync::deadline::{self, Alarm, Limit};
use crate::task::outcome::Failure;
use crate::task::work::{Kind, Work};
use crate::workers::starts::Starts;

/// After so many failures the pool gives up on a kind of which it has no worker.
const MOST_TRIES: u32 = 3;

/// How a start has failed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum StartFailure {
    /// The system refuses a thread for now.
    Refused,
    /// The worker has ended before it was ready.
    Died,
    /// No other start will do better.
    Fatal,
}

/// Lets the pool ask for workers of a kind again.
struct Retry<W: Work> {
    pool: Weak<Pool<W>>,
    kind: Kind,
}

impl<W: Work> Alarm for Retry<W> {
    fn expire(self: Arc<Self>, _limit: Limit) {
        if let Some(pool) = self.pool.upgrade() {
            let kind = self.kind;
            let ours: Arc<dyn Alarm> = self;
            pool.end_retry_delay(kind, |retry| Arc::ptr_eq(retry, &ours));
        }
    }

    fn is_over(&self) -> bool {
        false
    }
}

impl<W: Work> Pool<W> {
    /// A worker that was asked for could not be started.
    ///
    /// While others of `kind` are attached or starting, the pool uses those, and asks for more after a
    /// [delay](crate::Config::start_retry_delay). Where there are none it gives up after three tries, or
    /// three workers that have [died](StartFailure::Died): then the tasks that want such a worker fail, and
    /// so does the pool if it has no worker of another kind either.
    pub fn start_failed(self: &Arc<Self>, kind: Kind, cause: Option<W::Error>, failure: StartFailure) {
        let delay = self.change(|shared, actions| {
            let delay = self.note_failure(shared, kind, cause, failure, actions);
            self.rebalance(shared, actions);
            delay
        });
        if let Some(delay) = delay {
            self.delay_retry(kind, delay);
        }
    }

    /// Counts the failure and draws the consequences. Returns for how long no other worker of `kind` is to be
    /// asked for.
    fn note_failure(
        &self,
        shared: &mut Shared<W>,
        kind: Kind,
        cause: Option<W::Error>,
        failure: StartFailure,
        actions: &mut Actions<W>,
    ) -> Option<Duration> {
        let k = kind as usize;
        let starting = &mut shared.workers.starting[k];
        *starting = starting.saturating_sub(1);
        let is_served = shared.is_served(kind);
        let starts = &mut shared.starts[k];
        starts.failed += 1;
        starts.died += u32::from(failure == StartFailure::Died);
        shared.workers.died += u64::from(failure == StartFailure::Died && !shared.is_terminated);
        starts.unserved += u32::from(!is_served);
        // Where three have died those that are starting will probably die, too: it does not wait for them.
        let gives_up = starts.unserved >= MOST_TRIES || starts.died >= MOST_TRIES;
        let gives_up = gives_up && !shared.has_workers(kind);
        if failure == StartFailure::Fatal || (gives_up && shared.has_nobody_but(kind)) {
            self.break_down(shared, cause, actions);
            return None;
        }
        if gives_up {
            shared.fail_all(kind, cause, actions);
            return None;
        }
        actions.late.push(Err(Failure::Broken { cause }));
        let starts = &shared.starts[k];
        let delay = self.config.start_retry_delay.filter(|_| starts.retry.is_none());
        let delay = delay.map(|delay| delay * starts.unserved.max(1));
        if self.config.start_retry_delay.is_some() || (is_served && starts.failed >= MOST_TRIES) {
            shared.workers.allowed[k] = shared.workers.living[k] + shared.workers.starting[k];
        }
        delay
    }

    /// Asks for no worker of `kind` until `delay` is over.
    fn delay_retry(self: &Arc<Self>, kind: Kind, delay: Duration) {
        let alarm: Arc<dyn Alarm> = Arc::new(Retry { pool: Arc::downgrade(self), kind });
        self.change(|shared, _| shared.starts[kind as usize].retry = Some(alarm.clone()));
        if !deadline::add(Instant::now() + delay, Limit::Queue, &alarm) {
            self.end_retry_delay(kind, |_| true);
        }
    }

    fn end_retry_delay(self: &Arc<Self>, kind: Kind, is_meant: impl Fn(&Arc<dyn Alarm>) -> bool) {
        self.change(|shared, actions| {
            let k = kind as usize;
            if shared.starts[k].retry.as_ref().is_some_and(is_meant) {
                shared.starts[k].retry = None;
                shared.workers.allowed[k] = usize::MAX;
                self.rebalance(shared, actions);
            }
        });
    }
}

impl<W: Work> Shared<W> {
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

    /// No worker of `kind` can be started: fails what waits for one.
    fn fail_all(&mut self, kind: Kind, cause: Option<W::Error>, actions: &mut Actions<W>) {
        self.clear_kind(kind, actions, &|| Failure::Broken { cause: cause.clone() });
        self.starts[kind as usize] = Starts::default();
        self.workers.allowed[kind as usize] = usize::MAX;
        self.note_room(actions);
        // Its destructor is the user's.
        actions.late.push(Err(Failure::Broken { cause }));
    }
}
