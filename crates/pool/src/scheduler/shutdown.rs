//! The end of a pool.
//!
//! A pool is *open* until `shutdown`, `terminate` or a breakdown. It stops being open under the mutex that
//! also admits tasks, so a task is either accepted and runs, or refused. The pool is *closed* once it is not
//! open, nothing waits, every worker but the abandoned has detached, and every settled task has been
//! announced. [`Pool::close_if_done`] runs after every change that could make this true.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use crate::scheduler::actions::Actions;
use crate::scheduler::pool::{Phase, Pool, Refusal, Shared};
use crate::sync::deadline::{self, Alarm, TimeLimit};
use crate::task::outcome::Failure;
use crate::task::work::{Kind, Work};

/// Ends the pool: the time that its shutdown had is over.
struct EndOfGrace<W: Work>(Weak<Pool<W>>);

impl<W: Work> Alarm for EndOfGrace<W> {
    fn expire(self: Arc<Self>, _limit: TimeLimit) {
        if let Some(pool) = self.0.upgrade() {
            pool.end_now();
        }
    }

    /// To know it would take the pool's mutex, under that of the clock.
    fn is_over(&self) -> bool {
        false
    }
}

impl<W: Work> Pool<W> {
    /// Accepts no more tasks; with `cancel_pending` those that wait are cancelled. Those that [stand
    /// still](Pool::stand_still) are cancelled in any case. Returns at once.
    pub fn shutdown(self: &Arc<Self>, cancel_pending: bool) {
        let standing = self.change(|shared, actions| {
            self.close_inbox(shared);
            if shared.is_open() {
                shared.phase = Phase::ShutDown;
            }
            if cancel_pending {
                shared.clear(actions, || Failure::Cancelled);
            }
            let standing = shared.all_standing();
            for (_, task) in &standing {
                task.request_cancel();
                shared.conclude(task, Err(Failure::Cancelled), actions);
            }
            shared.note_room(actions);
            self.rebalance(shared, actions);
            standing
        });
        for (link, task) in standing {
            link.stop(&task);
        }
    }

    /// Shuts down as [`Pool::shutdown`] does; what is not done after `limit` is ended as by
    /// [`Pool::terminate`], and then the host ends the workers. False if the system refuses the thread that
    /// watches the clock: then it is as without a limit.
    pub fn shutdown_within(self: &Arc<Self>, cancel_pending: bool, limit: Duration) -> bool {
        let can_watch = limit.is_zero() || deadline::CLOCK_THREAD.start().is_ok();
        self.shutdown(cancel_pending);
        if limit.is_zero() {
            self.end_now();
        } else if let Some(at) = Instant::now().checked_add(limit).filter(|_| can_watch) {
            let alarm = self.change(|shared, _| {
                let new = || Arc::new(EndOfGrace(self.weak.clone())) as Arc<dyn Alarm>;
                shared.end_of_grace.get_or_insert_with(new).clone()
            });
            deadline::add(at, TimeLimit::Total, &alarm);
        }
        can_watch
    }

    /// Somebody may give back a part of what was accepted, and have it submitted once more as
    /// [a rest](crate::Spec::is_rest); or no longer. Until then a pool that drains is not done. Whoever says
    /// so has to take it back: what it is about must not be held by a worker.
    pub fn expect_rests(self: &Arc<Self>, are_expected: bool) {
        self.change(|shared, actions| {
            shared.expecting =
                if are_expected { shared.expecting + 1 } else { shared.expecting.saturating_sub(1) };
            if !shared.may_get_more() {
                self.rebalance(shared, actions);
            }
        });
    }

    fn end_now(self: &Arc<Self>) {
        if !self.is_closed() {
            self.terminate();
            self.host.end_workers();
        }
    }

    /// Shuts down, cancels what waits and fails what runs as lost. The workers are told to stop.
    pub fn terminate(self: &Arc<Self>) {
        let held = self.change(|shared, actions| {
            self.close_inbox(shared);
            if shared.is_open() {
                shared.phase = Phase::ShutDown;
            }
            shared.is_terminated = true;
            shared.clear(actions, || Failure::Cancelled);
            let held: Vec<_> = shared
                .workers
                .iter()
                .flat_map(|(_, record)| record.held.iter().map(|task| (record.link.clone(), task.clone())))
                .collect();
            for (_, task) in &held {
                shared.conclude(task, Err(Failure::Lost { exit: None, cause: None }), actions);
            }
            shared.note_room(actions);
            self.rebalance(shared, actions);
            held
        });
        for (link, task) in held {
            link.stop(&task);
        }
    }

    /// Fails everything that waits, and all later submissions, with `cause`.
    pub fn break_with(self: &Arc<Self>, cause: Option<W::Error>) {
        self.change(|shared, actions| {
            self.break_down(shared, cause, actions);
            self.rebalance(shared, actions);
        });
    }

    pub(crate) fn break_down(
        &self,
        shared: &mut Shared<W>,
        cause: Option<W::Error>,
        actions: &mut Actions<W>,
    ) {
        self.close_inbox(shared);
        if !matches!(shared.phase, Phase::Broken { .. }) {
            shared.phase = Phase::Broken { cause: cause.clone() };
        }
        shared.clear(actions, || Failure::Broken { cause: cause.clone() });
        shared.fail_warm_ups(actions, |_| true, || Failure::Broken { cause: cause.clone() });
        // Its destructor is the user's.
        actions.late.push(Err(Failure::Broken { cause }));
        shared.note_room(actions);
    }

    /// Parks until the pool is closed or `deadline` has passed. True if it is closed.
    pub fn wait_closed(&self, deadline: Option<Instant>) -> bool {
        let mut shared = self.state.lock();
        while !shared.closed {
            if deadline.is_some_and(|at| Instant::now() >= at) {
                return false;
            }
            shared = self.close_signal.wait_until(shared, deadline);
        }
        true
    }

    /// Whether the pool is closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.state.lock().closed
    }

    pub(crate) fn close_if_done(&self, shared: &mut Shared<W>, actions: &mut Actions<W>) {
        let busy = shared.queued() > 0
            || shared.workers.present > 0
            || shared.announcing > 0
            // What this very change has settled is announced first; see `release`.
            || !actions.announce.is_empty()
            || shared.workers.starting.iter().any(|&count| count > 0);
        if shared.may_get_more() || shared.closed || busy {
            return;
        }
        shared.closed = true;
        actions.closed = true;
        self.close_signal.notify_all();
    }
}

impl<W: Work> Shared<W> {
    /// Why what needs no room in the queue would be refused now, if it would.
    pub(crate) fn why_over(&self) -> Option<Refusal<W>> {
        match &self.phase {
            Phase::Open => None,
            Phase::ShutDown => Some(Refusal::ShutDown),
            Phase::Broken { cause } => Some(Refusal::Broken { cause: cause.clone() }),
        }
    }

    /// Whether it is shut down and everything that was accepted is still to run.
    pub(crate) fn takes_rests(&self) -> bool {
        matches!(self.phase, Phase::ShutDown) && !self.closed && !self.is_cleared
    }

    /// Whether more may come: any task, or only rests.
    pub(crate) fn may_get_more(&self) -> bool {
        self.is_open() || (self.expecting > 0 && self.takes_rests())
    }

    /// Settles everything that waits.
    fn clear(&mut self, actions: &mut Actions<W>, failure: impl Fn() -> Failure<W>) {
        self.is_cleared = true;
        for kind in Kind::ALL {
            self.clear_kind(kind, actions, &failure);
        }
    }

    /// Settles everything that waits for workers of `kind`.
    pub(crate) fn clear_kind(
        &mut self,
        kind: Kind,
        actions: &mut Actions<W>,
        failure: &impl Fn() -> Failure<W>,
    ) {
        self.bring_all_back(kind, actions);
        let mut waiting = self.lanes[kind as usize].drain(&mut actions.removed);
        if kind == self.transit.kind {
            waiting.extend(self.drain_transit(actions));
        }
        if kind == self.keyed.kind {
            waiting.extend(self.keyed.drain(actions.now));
        }
        if kind != Kind::Native {
            waiting.extend(self.drain_broadcasts(kind));
        }
        for task in waiting {
            self.conclude(&task, Err(failure()), actions);
        }
    }
}
