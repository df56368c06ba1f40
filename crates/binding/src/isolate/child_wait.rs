//! Blocking waits of a task in a child, for one that it has submitted to its executor: what
//! `isolate::blocking_wait` does with the pool, the pool's process does for the child, which asks it each
//! time. The task that is waited for comes to the child if it is to run on the waiter's stack.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use pool::State;

use crate::isolate::parking::{self, park_until, unwind_if_stopped};
use crate::isolate::state::IsolateState;
use crate::isolate::turn;
use crate::js::{self, Fault};
use crate::process::message::{NATIVE, Request, Run};
use crate::process::parent::Parent;
use crate::tasks::task::{JsTask, JsWork};
use crate::values::wire_reader::Reader;
use crate::worker::worker::WorkerSide;

pub(super) fn wait(
    state: &IsolateState,
    side: &Rc<WorkerSide>,
    parent: &Parent,
    task: &Arc<JsTask>,
    deadline: Instant,
    for_ever: bool,
) -> Result<(), Fault> {
    side.finish_ended();
    let waiter = side.guard.innermost();
    let is_over = || task.state().is_settled() || parking::is_stopped(waiter.as_ref());
    let is_of_pool = task.owner().pool == parent.mirror.id;
    if !side.handle.holds_any() {
        // No task waits: it is code that one has left behind.
        park_until(state, deadline, is_over);
        return Ok(());
    }
    let lend = |cannot_run: bool| {
        parent.ask(Request::SuspendFor, |writer| {
            writer.u64(task.id());
            writer.bool(cannot_run);
        })
    };
    if task.state() == State::Pending && is_of_pool {
        // What runs on this stack cannot be left in time.
        let is_suspended = !for_ever && lend(false)?;
        if !is_suspended && run_here(state, side, parent, task)? {
            return unwind_if_stopped(state, side, waiter.as_ref());
        }
        if is_suspended || (!for_ever && lend(true)?) {
            park_until(state, deadline, is_over);
            parent.have_done(Request::ResumeBlocking, |_| {})?;
            return unwind_if_stopped(state, side, waiter.as_ref());
        }
    }
    if task.state().is_settled() {
        return Ok(());
    }
    if for_ever && is_of_pool {
        register(parent, task)?;
    }
    // The rest of a short task is over before another child could have been started. One that is there
    // already is woken at once.
    let patience = &side.handle.entry.patience;
    if side.is_first_wait_for(task) && task.state() == State::Running {
        let one_is_missed = parent.ask(Request::SuspendClaiming, |_| {})?;
        let began = Instant::now();
        let brief = if one_is_missed { deadline.min(began + patience.left()) } else { deadline };
        park_until(state, brief, is_over);
        parent.have_done(Request::ResumeClaiming, |_| {})?;
        if !one_is_missed {
            return unwind_if_stopped(state, side, waiter.as_ref());
        }
        patience.spend(began.elapsed());
    }
    if !is_over() {
        let request = if for_ever { Request::SuspendBlocking } else { Request::SuspendLimited };
        parent.have_done(request, |_| {})?;
        park_until(state, deadline, is_over);
        parent.have_done(Request::ResumeBlocking, |_| {})?;
    }
    unwind_if_stopped(state, side, waiter.as_ref())
}

/// Refuses a wait that could never end: the pool's process sees all that wait.
fn register(parent: &Parent, task: &Arc<JsTask>) -> Result<(), Fault> {
    let answer = parent.request(Request::Register, |writer| writer.u64(task.id()))?;
    match Reader::new(&answer).option(Reader::str)? {
        Some(refusal) => Err(Fault::invalid_state(refusal)),
        None => Ok(()),
    }
}

/// Runs the task on top of the waiter, if that is possible. False if it was not.
fn run_here(
    state: &IsolateState,
    side: &Rc<WorkerSide>,
    parent: &Parent,
    task: &Arc<JsTask>,
) -> Result<bool, Fault> {
    let function = task.needs();
    if function & NATIVE != 0
        || !parking::has_room_on_top(side)
        || !side.can_run_nested(state.env, function)?
    {
        return Ok(false);
    }
    let answer = parent.request(Request::Claim, |writer| writer.u64(task.id()))?;
    let mut reader = answer.reader();
    if !reader.bool()? {
        return Ok(false);
    }
    let run = Run::read(&mut reader, &parent.sharing.got)?;
    let given = parent.give_as(run, function)?;
    let Some(JsWork::Isolate(args)) = side.claim_task(&given) else { return Ok(true) };
    let outcome = js::scoped(state.env, || turn::run_nested(state, side, &given, args));
    if let Some(outcome) = outcome {
        side.finish(Some((given, outcome)));
    }
    Ok(true)
}
