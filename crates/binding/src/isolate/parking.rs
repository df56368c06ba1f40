//! How a thread of an isolate parks, and what a task that waits has to know before it goes on.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use crate::engine::stack_room;
use crate::isolate::state::IsolateState;
use crate::js::Fault;
use crate::tasks::task::JsTask;
use crate::worker::worker::WorkerSide;

/// How many tasks may lie on top of each other, also where the size of the stack is not known.
const MOST_DEPTH: usize = if cfg!(unix) { 4096 } else { 64 };

/// Whether one more task may lie on top of the one that waits.
pub(super) fn has_room_on_top(side: &WorkerSide) -> bool {
    side.guard.depth() < MOST_DEPTH && stack_room::is_half_free()
}

/// Whether the waiter is to be stopped as soon as it can be reached.
pub(super) fn is_stopped(waiter: Option<&Arc<JsTask>>) -> bool {
    waiter.is_some_and(|waiter| waiter.is_cancel_requested() && !waiter.owner().has_looked())
}

/// Parks this thread until `is_over`, a pool asks for something, or `deadline` has passed.
pub(super) fn park_until(state: &IsolateState, deadline: Instant, is_over: impl Fn() -> bool) {
    while !is_over() {
        // What ends the wait is a note in this isolate's mailbox, or rings its bell: that ring wakes us.
        state.mailbox.listen();
        if is_over() || state.mailbox.has_services() || Instant::now() >= deadline {
            break;
        }
        state.bell.park(deadline);
    }
    // What was posted meanwhile is delivered in the next turn of the loop.
    state.bell.ring_loop();
}

/// A waiter that was stopped while it could not be reached is unwound now, before it goes on. One that has
/// looked at its `currentTask()` has its time of grace.
pub(super) fn unwind_if_stopped(
    state: &IsolateState,
    side: &Rc<WorkerSide>,
    waiter: Option<&Arc<JsTask>>,
) -> Result<(), Fault> {
    let stopped = waiter.filter(|waiter| waiter.state().is_settled() && !waiter.owner().has_looked());
    if let Some(waiter) = stopped
        && side.guard.ask(waiter, false, true)
    {
        // Any call into JavaScript will do: the interrupt is answered at its beginning. It has to insist,
        // because all that is on top of the waiter is this package's.
        side.callbacks.call_nothing(state.env)?;
    }
    Ok(())
}
