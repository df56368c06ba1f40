//! A worker's way from task to task in one turn of its loop: what was run is settled and the next claimed
//! under one lock, unless something else comes first.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use pool::{Next, Outcome, Turn};

use crate::doorbell::bell::Bell;
use crate::doorbell::coalesce;
use crate::isolate::pace::Pace;
use crate::tasks::task::{JsMailbox, JsTask, JsWork};
use crate::values::value::{Packed, Value};
use crate::worker::worker::WorkerSide;

/// A task that was run, and how it has come out.
pub(crate) type Done = (Arc<JsTask>, Outcome<JsWork>);

/// What a worker does next.
pub(crate) enum Step {
    Run(Arc<JsTask>, JsWork),
    /// Have a stream go on that this worker holds.
    Stretch(Arc<JsTask>),
    /// Deliver what waits in the mailbox, then [claim](Stint::claim).
    Deliver,
    /// Go back to the event loop.
    Over,
    /// Load this function.
    Prepare(u32),
    /// Sleep, as far as the pool is concerned.
    Rest,
    Leave,
}

pub(crate) struct Stint {
    pub(crate) side: Rc<WorkerSide>,
    /// What was run last, and was not settled yet.
    pub(crate) done: Option<Done>,
    /// A [load](JsWork::Load), which is over once what waits in the mailbox was delivered.
    loaded: Option<Arc<JsTask>>,
    /// Of the worker's isolate, as is its bell.
    mailbox: Arc<JsMailbox>,
    bell: Arc<Bell>,
    pace: Pace,
}

impl Stint {
    pub(crate) fn new(side: Rc<WorkerSide>, mailbox: Arc<JsMailbox>, bell: Arc<Bell>) -> Self {
        Stint { side, done: None, loaded: None, mailbox, bell, pace: Pace::new() }
    }

    pub(crate) fn step(&mut self) -> Step {
        if self.has_to_deliver() { Step::Deliver } else { self.claim() }
    }

    /// What ends the wait of a task that this worker holds comes before the next task, which would lie on top
    /// of it. Its ring may be coalesced with others.
    fn has_to_deliver(&self) -> bool {
        if self.mailbox.has_rung() {
            return true;
        }
        let is_awaited = |(task, _): &Done| task.owner().destination.is(&self.mailbox);
        !self.side.held.is_empty() && (self.done.as_ref().is_some_and(is_awaited) || self.mailbox.has_notes())
    }

    /// Settles what was run, and claims.
    pub(crate) fn claim(&mut self) -> Step {
        if let Some(task) = self.loaded.take() {
            self.side.finish(Some((task, Ok(Packed::as_is(Value::Undefined)))));
        }
        let side = &*self.side;
        let is_over = side.must_end() || !side.may_claim();
        if is_over || self.pace.is_over(side) {
            return Step::Over;
        }
        if let Some(task) = side.take_due() {
            side.finish(self.done.take());
            return Step::Stretch(task);
        }
        if coalesce::take_rung() && self.pace.may_yield() {
            std::thread::yield_now();
        }
        let mut turn = side.turn(self.done.take());
        if let Turn::Linger { alone } = turn {
            side.rings.flush();
            linger(&self.bell, side, alone);
            self.pace.rest();
            turn = side.turn(None);
        }
        match turn {
            Turn::Next(Next::Run(task, JsWork::Load)) => {
                // In a child what its tasks have submitted may have ended before this was asked.
                self.loaded = Some(task);
                if self.mailbox.has_notes() { Step::Deliver } else { self.claim() }
            }
            Turn::Next(Next::Run(task, work)) => {
                side.linger.end();
                Step::Run(task, work)
            }
            Turn::Next(Next::Prepare(function)) => Step::Prepare(function),
            Turn::Next(Next::Leave) => Step::Leave,
            Turn::Next(Next::Nothing) | Turn::Linger { .. } => Step::Rest,
        }
    }

    /// The worker is about to sleep.
    pub(crate) fn rest(&mut self) {
        self.side.rings.flush();
        self.pace.rest();
    }
}

/// Looks for the next task for a moment; see `pool::Linger`. Not for longer, because nothing else in the
/// isolate runs meanwhile, not even `terminate()`.
fn linger(bell: &Bell, side: &WorkerSide, alone: bool) {
    let until = side.linger.begin(Instant::now(), alone);
    pool::spin_until(until, 1, || side.has_news() || bell.take_token());
}
