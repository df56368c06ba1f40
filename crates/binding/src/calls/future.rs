//! What a future asks of its task.

use pool::{Cancelled, State};

use crate::calls::call::{Answer, Call, nothing};
use crate::calls::mirror;
use crate::isolate::blocking_wait;
use crate::isolate::deliver;
use crate::isolate::row::Row;
use crate::js::{self, Fault, shared_numbers};
use crate::process::parent;
use crate::tasks::task::Note;
use crate::values::reading;
use crate::values::value::Packed;

shared_numbers! {
    /// The states of a future.
    pub(super) STATES = "STATE": i32 {
        PENDING = State::Pending as i32,
        RUNNING = State::Running as i32,
        CANCELLED = State::Cancelled as i32,
        FINISHED = State::Finished as i32,
    }
}

/// `state(slot)`: one of the above.
pub(crate) fn state(call: &Call<'_>) -> Answer {
    call.state.flag_services();
    let futures = call.state.futures.borrow();
    let task = futures.get(call.u32(0)?).ok_or_else(|| Fault::internal("no such future"))?;
    js::int(call.env, task.state() as i32)
}

/// `collect(slot)`: takes the outcome of a settled task. Row 0 of the header says what it is; the value is
/// returned. -1 in the kind if it has not settled.
pub(crate) fn collect(call: &Call<'_>) -> Answer {
    let slot = call.u32(0)?;
    let task = call.state.task(slot)?;
    if !task.state().is_settled() {
        return answer_row(call, slot, Row::unsettled());
    }
    answer_row(call, slot, Row::of_outcome(call.env, &task, task.take_outcome())?)
}

fn answer_row(call: &Call<'_>, slot: u32, row: Row) -> Answer {
    call.state.header.set_row(0, slot, row.kind, row.number);
    row.value.map_or_else(|| js::undefined(call.env), Ok)
}

/// `progress(slot)`: the progress that was not delivered, as a flat array, or undefined.
pub(crate) fn progress(call: &Call<'_>) -> Answer {
    let task = call.state.task(call.u32(0)?)?;
    let list = deliver::progress(call.env, &task)?;
    list.map_or_else(|| js::undefined(call.env), Ok)
}

/// `cancel(pool, slot, interrupt, form, reason)`: whether the future is cancelled now. The reason is for the
/// task, and may be left out with its form.
pub(crate) fn cancel(call: &Call<'_>) -> Answer {
    let entry = call.state.pool(call.u32(0)?)?;
    let task = call.state.task(call.u32(1)?)?;
    let mut reason = None;
    if call.args().len() > 3 {
        let form = call.u32(3)? as u8;
        let value = reading::read_shared(call.env, &call.state.written, form, call.value(4)?)?;
        reason = Some(Packed { form, value });
    }
    if let Some(parent) = parent::of_mirror(&entry) {
        let is_cancelled = mirror::cancel(parent, &task, call.bool(2)?, reason.as_ref())?;
        return js::boolean(call.env, is_cancelled);
    }
    if let Some(reason) = reason {
        let _ = task.owner().stop_reason.set(Box::new(reason));
    }
    let found = entry.pool.cancel(&task, call.bool(2)?);
    js::boolean(call.env, found != Cancelled::No)
}

/// `expire(pool, slot)`: ends the task, if it runs, as if its run time were over.
pub(crate) fn expire(call: &Call<'_>) -> Answer {
    let entry = call.state.pool(call.u32(0)?)?;
    let task = call.state.task(call.u32(1)?)?;
    match parent::of_mirror(&entry) {
        Some(parent) => mirror::expire(parent, &task)?,
        None => entry.pool.expire(&task),
    }
    nothing(call)
}

/// `park(slot, left, token)`: parks this thread, for the task of that token, until the other has settled, a
/// pool asks for something, or a while has passed, `left` milliseconds at the longest. On a worker of a pool
/// it may run the task here; see `isolate::blocking_wait`.
pub(crate) fn park(call: &Call<'_>) -> Answer {
    let task = call.state.task(call.u32(0)?)?;
    blocking_wait::park(call.state, &task, call.f64(1)?, call.f64(2)?)?;
    js::undefined(call.env)
}

/// `release(slot)`: the outcome was collected, and is not to be delivered: the slot is free.
pub(crate) fn release(call: &Call<'_>) -> Answer {
    let (state, slot) = (call.state, call.u32(0)?);
    let task = state.task(slot)?;
    if task.state().is_settled() {
        state.release_future(slot, &task);
        let futures = state.futures.borrow();
        state.mailbox.prune(|note| match note {
            Note::Settled(task) if task.owner().stream.is_some() => true,
            Note::Settled(task) | Note::Progress(task) => futures.holds(task.owner().slot, task),
            Note::Pool { .. } | Note::GoOn(_) | Note::LetGo(_) | Note::Unshared(_) => true,
        });
    }
    nothing(call)
}

/// `services()`: what must be served while this thread waits, as a flat array of event, pool and number.
pub(crate) fn services(call: &Call<'_>) -> Answer {
    let list = js::array(call.env)?;
    let mut at = 0;
    for note in call.state.mailbox.take_services() {
        if let Note::Pool { event, pool, number } = note {
            for part in [f64::from(event as i32), f64::from(pool), number] {
                js::set_element(call.env, list, at, js::double(call.env, part)?)?;
                at += 1;
            }
        }
    }
    Ok(list)
}

/// `keepAlive(held)`: one more, or one less, reason to keep the loop alive.
pub(crate) fn keep_alive(call: &Call<'_>) -> Answer {
    call.state.keep_loop_alive(call.bool(0)?);
    js::undefined(call.env)
}
