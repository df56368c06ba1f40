//! The end of a pool.
//!
//! A pool is *open* until `shutdown`, `terminate` or a breakdown. It stops being open under the mutex that
//! also admits tasks, so a task is either accepted and runs, or refused. The pool is *closed* once it is not
//! open, nothing waits, every worker but the abandoned has detached, and every settled task has been
//! announced. [`Pool::close_if_done`] runs after every change that could make this true.

use std::sync::Arc;
use std::time::Instant;

use crate::scheduler::actions::Actions;
use crate::scheduler::pool::{Phase, Pool, Shared};
use crate::task::outcome::Failure;
use crate::task::work::{Kind, Work};

impl<W: Work> Pool<W> {
    /// Accepts no more tasks; with `cancel_pending` those that wait are cancelled. Returns at once.
    pub fn shutdown(self: &Arc<Self>, cancel_pending: bool) {
        self.change(|shared, actions| {
            self.close_inbox(shared);
            if shared.is_open() {
                shared.phase = Phase::ShutDown;
            }
            if cancel_pending {
                shared.clear(actions, || Failure::Cancelled);
            }
            shared.note_room(actions);
            self.rebalance(shared, actions);
        });
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
        if shared.is_open() || shared.closed || busy {
            return;
        }
        shared.closed = true;
        actions.closed = true;
        self.close_signal.notify_all();
    }
}

impl<W: Work> Shared<W> {
    /// Settles everything that waits.
    fn clear(&mut self, actions: &mut Actions<W>, failure: impl Fn() -> Failure<W>) {
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
        let mut waiting = self.lanes[kind as usize].drain(&mut actions.removed);
        if kind == self.transit.kind {
            waiting.extend(self.drain_transit(actions));
        }
        for task in waiting {
            self.conclude(&task, Err(failure()), actions);
        }
    }
}
