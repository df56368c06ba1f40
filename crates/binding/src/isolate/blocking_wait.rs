//! Blocking waits on a worker's thread.
//!
//! A task that blocks for a future either runs that very task on its own stack, in its own place, or gives
//! up its place and parks: then the pool lets another worker run, and starts one if there is none. It runs
//! only the task that it waits for, never another one: that could keep the waiter after its wait has ended.
//! So could the very task, if the wait has a limit of time: then it runs it only if the pool has no other
//! thread for it (`pool::Worker::suspend_for`).
//!
//! Only a synchronous function can be run so: the continuation of a promise needs the event loop, which the
//! waiter blocks. So functions that are known to be asynchronous go to another worker, and a wait that only
//! this thread could end is refused. `docs/nesting.md` has the whole of it.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pool::{Kind, State};

use crate::isolate::child_wait;
use crate::isolate::parking::{self, park_until, unwind_if_stopped};
use crate::isolate::state::IsolateState;
use crate::isolate::turn;
use crate::js::{self, Fault};
use crate::process::parent;
use crate::tasks::deadlock;
use crate::tasks::pools;
use crate::tasks::task::{JsTask, JsWork};
use crate::tasks::yielding;
use crate::worker::worker::WorkerSide;

/// The longest that a thread parks at a time: in between TypeScript sees a termination, and starts workers.
const LONGEST_PARK: Duration = Duration::from_millis(20);

/// Parks this thread, and the task of that token if it has one, until `task` has settled, a pool asks for
/// something, or a part of `left` is over.
pub(crate) fn park(state: &IsolateState, task: &Arc<JsTask>, left: f64, token: f64) -> Result<(), Fault> {
    let deadline = Instant::now() + js::duration(left).min(LONGEST_PARK);
    let side = state.worker.borrow().clone();
    match side {
        Some(side) => {
            let is_for_ever = left == f64::INFINITY;
            let waiter = side.held.get(token);
            let note = |waits: bool| waiter.iter().for_each(|waiter| side.note_waits(waiter, waits));
            note(true);
            let result = match parent::of_local(&side.handle.entry) {
                Some(parent) => child_wait::wait(state, &side, parent, task, deadline, is_for_ever),
                None => wait(state, &side, task, deadline, is_for_ever),
            };
            note(false);
            result
        }
        None => {
            if left == f64::INFINITY {
                refuse_unread(state, task)?;
            }
            let is_over = || task.state().is_settled();
            if !state.spin.wait(deadline, is_over) {
                park_until(state, deadline, is_over);
            }
            Ok(())
        }
    }
}

/// Parks a worker that has given up its place, which it takes back.
fn park_suspended(state: &IsolateState, side: &WorkerSide, deadline: Instant, is_over: impl Fn() -> bool) {
    park_until(state, deadline, is_over);
    side.resume(true);
    side.request_turn();
}

fn wait(
    state: &IsolateState,
    side: &Rc<WorkerSide>,
    task: &Arc<JsTask>,
    deadline: Instant,
    for_ever: bool,
) -> Result<(), Fault> {
    if side.held.contains(task) && !task.state().is_settled() {
        return Err(Fault::invalid_state(
            "the task lies under the one that waits for it, or its promise needs the same thread: \
             neither could ever go on",
        ));
    }
    // The task that is waited for may be among them.
    side.finish_ended();
    let waiter = side.guard.innermost();
    let is_over = || task.state().is_settled() || parking::is_stopped(waiter.as_ref());
    let is_by_port = task.owner().port_value.is_some();
    if task.state() == State::Pending {
        // What runs on this stack cannot be left in time.
        let lends = !for_ever && is_of_pool(side, task) && !is_by_port;
        let is_suspended = lends && side.suspend_for(task, false);
        if !is_suspended && run_here(state, side, task)? {
            return unwind_if_stopped(state, side, waiter.as_ref());
        }
        if is_suspended || (lends && side.suspend_for(task, true)) {
            park_suspended(state, side, deadline, is_over);
            return unwind_if_stopped(state, side, waiter.as_ref());
        }
    }
    if task.state().is_settled() {
        return Ok(());
    }
    // It holds what is for it alone as well.
    let bound = || side.held.all().into_iter().chain(side.pinned()).collect();
    let worker = *side.handle.id.lock();
    if for_ever {
        refuse_unread(state, task)?;
    }
    let register = || deadlock::register(&side.handle.entry, worker, bound(), task);
    let _registered = for_ever.then(register).transpose().map_err(Fault::invalid_state)?;
    // The rest of a short task is over before another worker could have been started. One that is there
    // already is woken at once.
    let patience = &side.handle.entry.patience;
    if side.is_first_wait_for(task) && task.state() == State::Running {
        let one_is_missed = side.suspend(false);
        let began = Instant::now();
        let brief = if one_is_missed { deadline.min(began + patience.left()) } else { deadline };
        park_until(state, brief, is_over);
        side.resume(false);
        if !one_is_missed {
            return unwind_if_stopped(state, side, waiter.as_ref());
        }
        patience.spend(began.elapsed());
    }
    if !is_over() {
        if is_by_port
            && task.state() == State::Pending
            && let Some(entry) = pools::find(task.owner().pool)
        {
            entry.pool.expedite(task);
        }
        if for_ever || is_by_port {
            side.suspend(true);
        } else {
            side.suspend_limited();
        }
        park_suspended(state, side, deadline, is_over);
    }
    unwind_if_stopped(state, side, waiter.as_ref())
}

/// Refuses to block for the end of a stream that stands still until this very thread reads it.
fn refuse_unread(state: &IsolateState, task: &Arc<JsTask>) -> Result<(), Fault> {
    if !task.owner().destination.is(&state.mailbox) {
        return Ok(());
    }
    yielding::refuse_wait(task).map_err(Fault::invalid_state)
}

/// Whether the worker's own pool has the task.
fn is_of_pool(side: &WorkerSide, task: &JsTask) -> bool {
    task.owner().pool == side.handle.entry.id
}

/// Runs the task on top of the waiter, if that is possible. False if it was not.
fn run_here(state: &IsolateState, side: &Rc<WorkerSide>, task: &Arc<JsTask>) -> Result<bool, Fault> {
    let is_ours = task.kind() == Kind::Isolate && is_of_pool(side, task);
    if !is_ours || !parking::has_room_on_top(side) {
        return Ok(false);
    }
    if !side.can_run_nested(state.env, task.needs())? {
        return Ok(false);
    }
    let Some(JsWork::Isolate(args)) = side.claim_task(task) else { return Ok(false) };
    let outcome = js::scoped(state.env, || turn::run_nested(state, side, task, args));
    if let Some(outcome) = outcome {
        side.finish(Some((task.clone(), outcome)));
    }
    Ok(true)
}
