//! The two ends of a stream, as lib/worker makes it and as its reader has it; see `tasks::stream`.

use crate::calls::call::{Answer, Call, nothing};
use crate::calls::worker::side;
use crate::isolate::run;
use crate::js;
use crate::process::message::to_parent;
use crate::process::parent;
use crate::tasks::{reading, yielding};
use crate::values::value::{FORM_YIELDED, Packed};

/// `yieldValue(token, form, value)`: a value of a stream. For how many more there is room; -1 if the stream
/// is to end, and the value is dropped.
pub(crate) fn yield_value(call: &Call<'_>) -> Answer {
    let side = side(call)?;
    let task = side.held.get(call.f64(0)?);
    // In any case: what was written would be kept until something else is.
    let form = call.u32(1)? as u8;
    let value = run::read_value(call.state, form, call.value(2)?)?;
    let task = task.filter(|task| !task.is_cancel_requested());
    let Some((task, stream)) = task.as_ref().and_then(yielding::of) else { return js::int(call.env, -1) };
    side.note_yield();
    let room = yielding::send(task, stream, Packed { form: form | FORM_YIELDED, value });
    js::double(call.env, room as f64)
}

/// `standStill(token)`: a stream that has no room stands still, until it is called by `proceed`. False if it
/// has to go on: there is room, or it is to end.
pub(crate) fn stand_still(call: &Call<'_>) -> Answer {
    let side = side(call)?;
    let task = side.held.get(call.f64(0)?).filter(|task| !task.is_cancel_requested());
    let Some((task, stream)) = task.as_ref().and_then(yielding::of) else {
        return js::boolean(call.env, false);
    };
    if !yielding::stand_still(task, stream, &call.state.mailbox) {
        return js::boolean(call.env, false);
    }
    side.rings.flush();
    if !side.handle.entry.pool.stand_still(task) {
        yielding::go_on(task);
        return js::boolean(call.env, false);
    }
    if let Some(parent) = parent::of_local(&side.handle.entry) {
        parent.tell_of_stream(to_parent::STAND, task);
    }
    js::boolean(call.env, true)
}

/// `requestStretch(token)`: has `proceed` called for this stream, in the guard.
pub(crate) fn request_stretch(call: &Call<'_>) -> Answer {
    let side = side(call)?;
    if let Some(task) = side.held.get(call.f64(0)?) {
        side.note_due(task);
        side.request_turn();
    }
    nothing(call)
}

/// `allow(slot, count)`: the stream may have made so many values by now.
pub(crate) fn allow(call: &Call<'_>) -> Answer {
    let task = call.state.task(call.u32(0)?)?;
    let allowed = call.f64(1)? as u64;
    if let Some(stream) = &task.owner().stream {
        stream.allow(allowed);
    }
    nothing(call)
}

/// `leaveStream(slot)`: the reader is about to cancel the stream because it has read enough: it may end by
/// itself.
pub(crate) fn leave_stream(call: &Call<'_>) -> Answer {
    let task = call.state.task(call.u32(0)?)?;
    if let Some(stream) = &task.owner().stream {
        stream.leave(&task.owner().has_looked);
    }
    nothing(call)
}

/// `holdStream(slot, held)`: whether the stream keeps the loop of its reader alive; at first it does.
pub(crate) fn hold_stream(call: &Call<'_>) -> Answer {
    let task = call.state.task(call.u32(0)?)?;
    let held = call.bool(1)?;
    if let Some(stream) = &task.owner().stream
        && stream.set_held(held) != held
    {
        call.state.keep_loop_alive(held);
    }
    nothing(call)
}

/// `beginReading(token, slot)`: a task begins to wait for the next value of a stream. The number of the
/// wait, for `endReading`; 0 for a task that is over.
pub(crate) fn begin_reading(call: &Call<'_>) -> Answer {
    let side = side(call)?;
    let stream = call.state.task(call.u32(1)?)?;
    let Some(reader) = side.held.get(call.f64(0)?) else { return js::int(call.env, 0) };
    let number = reading::next_number();
    if let Some(parent) = parent::of_local(&side.handle.entry)
        && stream.owner().pool == parent.mirror.id
    {
        parent.tell_of_reading(number, &reader, &stream);
    }
    reading::begin(reading::HERE, number, reader, stream);
    js::double(call.env, number as f64)
}

/// `endReading(number)`: that wait is over.
pub(crate) fn end_reading(call: &Call<'_>) -> Answer {
    let number = call.f64(0)? as u64;
    reading::end(reading::HERE, number);
    if let Some(parent) = parent::get() {
        parent.tell(to_parent::READ, |writer| writer.u64(number));
    }
    nothing(call)
}
