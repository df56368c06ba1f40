//! Blocking waits on a worker's thread.
//!
//! A task that blocks for a future either runs that very task on its own stack, in its own place, or gives up
//! its place and parks: then the pool lets another worker run, and starts one if there is none. It runs only the
//! task that it waits for, never another one: that could keep the waiter after its wait has ended.
//!
//! Only a synchronous function can be run so: the continuation of a promise needs the event loop, which the
//! waiter blocks. So functions that are known to be asynchronous go to another worker, and a wait that only this
//! thread could end is refused.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use pool::State;

use crate::future_calls::park_until;
use crate::isolate::IsolateState;
use crate::js::{self, Fault};
use crate::run;
use crate::work::{JsTask, JsWork};
use crate::worker::WorkerSide;

/// How many tasks may lie on top of each other on one thread. Each takes a few kilobytes of V8's stack of
/// about a megabyte, most of it the task's own.
const MOST_DEPTH: usize = 64;

/// Waits for `task`, until `deadline` at the longest.
pub(crate) fn wait(
    state: &IsolateState,
    side: &Rc<WorkerSide>,
    task: &Arc<JsTask>,
    deadline: Instant,
) -> Result<(), Fault> {
    if side.has_in_hand(task) && !task.state().is_settled() {
        return Err(Fault::invalid_state(
            "the task lies under the one that waits for it, on the same thread: neither could ever go on",
        ));
    }
    if task.state() == State::Pending && run_here(state, side, task) {
        return Ok(());
    }
    if task.state().is_settled() {
        return Ok(());
    }
    let waiter = side.guard.innermost();
    let is_stopped = || waiter.as_ref().is_some_and(|waiter| waiter.is_cancel_requested());
    side.suspend();
    park_until(state, deadline, || task.state().is_settled() || is_stopped());
    side.resume();
    Ok(())
}

/// Runs the task on top of the waiter, if that is possible. False if it was not.
fn run_here(state: &IsolateState, side: &Rc<WorkerSide>, task: &Arc<JsTask>) -> bool {
    if !side.can_run_nested(task.needs()) || side.guard.depth() >= MOST_DEPTH {
        return false;
    }
    let Some(JsWork::Isolate(args)) = side.claim_task(task) else { return false };
    let outcome = js::scoped(state.env, || run::run(state, side, task, &args));
    // `dispatch` of the waiter leaves its own form here, or relies on it being 0.
    state.header.set_scratch(0, 0.0);
    if let Some(outcome) = outcome {
        side.finish(Some((task.clone(), outcome)));
    }
    true
}
