//! Submitting, and everything that a future asks of its task.

use std::time::{Duration, Instant};

use napi::sys;
use pool::{Cancelled, Kind, Refusal, Spec};

use crate::calls::{Answer, Call};
use crate::clone;
use crate::deliver;
use crate::engine;
use crate::isolate::IsolateState;
use crate::js::{self, Fault};
use crate::names;
use crate::native_chunk::Calls;
use crate::nest;
use crate::parcel::{Carried, Parcel};
use crate::plain::{Plain, Texts};
use crate::pools::PoolEntry;
use crate::reading;
use crate::value::{self, ArgList, Args, Value};
use crate::work::{JsWork, Ticket};
use crate::writing;

/// Answers of `submit` that are no slot. Shared with lib/binding.ts.
const FULL: i32 = -1;
const SHUT_DOWN: i32 = -2;
const BROKEN: i32 = -3;

/// Bits of `flags`. Shared with lib/binding.ts.
const NATIVE: u32 = 1;
/// `scratch[1..4]` has priority, timeout and queueTimeout in milliseconds, negative for none.
const LIMITED: u32 = 2;
/// The last argument is the task's name.
const NAMED: u32 = 4;
/// The buffers of the bytes among the values move.
const MOVES: u32 = 8;
/// The value is a list of the arguments of several calls of a native task, each of which takes `form` of them; if all are numbers, a
/// Float64Array.
const CHUNKED: u32 = 16;

/// `submit(…values)` with its numbers in `scratch[4..8]`: pool, function, flags, form. Gives the slot of the future, or why
/// there is none. If a MessagePort carries the values, there are none here; the number of their parcel is in `scratch[0]`,
/// and the task waits for `seal`.
pub(crate) fn submit(call: &Call<'_>) -> Answer {
    const NUMBERS: usize = 4;
    let (env, state) = (call.env, call.state);
    let number = |index: usize| state.header.scratch(NUMBERS + index) as u32;
    let (function, flags, form) = (number(1), number(2), number(3) as u8);
    let mut values = call.args();
    let mut name = None;
    if flags & NAMED != 0
        && let Some((last, others)) = values.split_last()
    {
        name = Some(js::get_text(env, *last)?.into_boxed_str());
        values = others;
    }
    let entry = state.pool(number(0))?;
    let native = flags & NATIVE != 0;
    let parcel = (!native && value::is_carried(form)).then(|| Parcel::of_arguments(&entry));
    let list = values.first().copied().filter(|_| !native && value::is_list(form));
    let elements;
    if flags & CHUNKED != 0 {
        elements = js::elements(env, call.value(0)?)?;
        values = &elements;
    }
    let work = match &parcel {
        Some(parcel) => {
            JsWork::Isolate(Args { form, values: ArgList::One(Value::Port(Carried(parcel.clone()))) })
        }
        None if native => native_work(call, function, flags, form, values)?,
        None => isolate_work(call, flags, form, values)?,
    };
    let slot = state.slab.borrow_mut().reserve();
    let limit = |index: usize| {
        let ms = if flags & LIMITED != 0 { state.header.scratch(index) } else { -1.0 };
        (ms >= 0.0).then(|| duration(ms))
    };
    let spec = Spec {
        kind: if native { Kind::Native } else { Kind::Isolate },
        work,
        hand_over: parcel.is_some(),
        owner: Ticket { parcel: parcel.clone(), ..Ticket::new(state.mailbox.clone(), entry.id, slot, name) },
        needs: if native { 0 } else { function },
        priority: if flags & LIMITED != 0 { state.header.scratch(1) } else { 0.0 },
        timeout: limit(2),
        queue_timeout: limit(3),
    };
    match entry.pool.submit(spec) {
        Ok(task) => {
            state.slab.borrow_mut().fill(slot, task);
            // Only now: a task that is refused leaves them untouched.
            if let Some(list) = list {
                reading::detach_all(env, list)?;
            }
            if flags & MOVES != 0 {
                values.iter().try_for_each(|value| reading::detach_whole(env, *value))?;
            }
            state.hold(true);
            if let Some(parcel) = parcel {
                state.header.set_scratch(0, parcel.number());
            }
            state.flag_services();
            js::int(env, slot as i32)
        }
        Err(refused) => {
            state.slab.borrow_mut().release(slot);
            js::int(
                env,
                match refused.reason {
                    Refusal::Full => FULL,
                    Refusal::ShutDown => SHUT_DOWN,
                    Refusal::Broken { .. } => BROKEN,
                },
            )
        }
    }
}

fn isolate_work(call: &Call<'_>, flags: u32, form: u8, values: &[sys::napi_value]) -> Result<JsWork, Fault> {
    let values = match values {
        [packed] if value::is_list(form) || value::is_written(form) => {
            ArgList::One(reading::read_packed(call.state, form, *packed, false)?)
        }
        _ if flags & MOVES != 0 => reading::read_args(call.env, values, reading::read_whole)?,
        _ => reading::read_args(call.env, values, reading::read_once)?,
    };
    Ok(JsWork::Isolate(Args { form, values }))
}

fn native_work(
    call: &Call<'_>,
    kernel: u32,
    flags: u32,
    form: u8,
    values: &[sys::napi_value],
) -> Result<JsWork, Fault> {
    let read = if flags & MOVES != 0 { reading::read_lent } else { reading::read };
    if flags & CHUNKED == 0 {
        let args = Args { form, values: reading::read_args(call.env, values, read)? };
        return Ok(JsWork::Native { kernel, args });
    }
    let values = match values {
        [] => reading::read_numbers(call.env, call.value(0)?)?,
        many => many.iter().map(|value| read(call.env, *value)).collect::<Result<_, _>>()?,
    };
    Ok(JsWork::NativeChunk { kernel, calls: Calls { width: usize::from(form), values } })
}

/// `write(value)`: the number of what V8's serializer made of it, for the next call that takes a value of the form
/// WRITTEN; 0 if it cannot write this one.
pub(crate) fn write(call: &Call<'_>) -> Answer {
    // SAFETY: in a call from JavaScript the context is entered and a handle scope open.
    let written = unsafe { clone::write(call.value(0)?) }.map(Value::Written);
    keep(call, written)
}

/// `keepPlain(structure, fractions, texts, count, lists, listed)`: the number of a value that was taken apart, of which so
/// much is in the header, for the next call that takes a value of the form WRITTEN; 0 if texts hold separators of their own.
pub(crate) fn keep_plain(call: &Call<'_>) -> Answer {
    let texts = |index: usize| -> Result<_, Fault> {
        let joined = js::get_string(call.env, call.value(index)?, true)?;
        Ok(Texts::new(joined, call.u32(index + 1)? as usize))
    };
    let plain = match (texts(2)?, texts(4)?) {
        (Some(texts), Some(lists)) => {
            let (structure, fractions) =
                call.state.header.parts(call.u32(0)? as usize, call.u32(1)? as usize);
            Some(Value::Plain(Box::new(Plain::new(structure, fractions, [texts, lists]))))
        }
        _ => None,
    };
    keep(call, plain)
}

fn keep(call: &Call<'_>, written: Option<Value>) -> Answer {
    js::double(call.env, written.map_or(0.0, |written| f64::from(call.state.keep_written(written))))
}

/// `readBack(number)`: a copy of the value that was written; of one that was taken apart, the parts.
pub(crate) fn read_back(call: &Call<'_>) -> Answer {
    match call.state.take_written(call.u32(0)?)? {
        Value::Written(written) => {
            // SAFETY: as in `write`.
            let copy = unsafe { clone::read(&written) };
            copy.ok_or_else(|| Fault::internal("a copy could not be read"))
        }
        other => writing::write_ref(call.env, &other),
    }
}

/// `hasNames(array)`: whether an array, no proxy, has enumerable properties besides its elements; `undefined` where that
/// cannot be asked.
pub(crate) fn has_names(call: &Call<'_>) -> Answer {
    // SAFETY: TypeScript has seen to it that this is an array and no proxy.
    match unsafe { names::has_names(call.env, call.value(0)?) }? {
        Some(has) => js::boolean(call.env, has),
        None => js::undefined(call.env),
    }
}

/// `isDetachable(buffer)`: whether an ArrayBuffer can move.
pub(crate) fn is_detachable(call: &Call<'_>) -> Answer {
    let buffer = call.value(0)?;
    let is_detachable = !js::is_arraybuffer(call.env, buffer)? || engine::is_detachable(buffer);
    js::boolean(call.env, is_detachable)
}

/// `seal(pool, slot)`: the arguments of a task that a MessagePort carries are where its pool's owner finds them.
pub(crate) fn seal(call: &Call<'_>) -> Answer {
    let task = call.state.task(call.u32(1)?)?;
    pool_of(call)?.pool.seal(&task);
    call.state.flag_services();
    nothing(call)
}

/// `withdraw(pool, slot)`: instead, as if the task had never been submitted. There is no future of it.
pub(crate) fn withdraw(call: &Call<'_>) -> Answer {
    let slot = call.u32(1)?;
    let task = call.state.task(slot)?;
    if let Some(parcel) = &task.owner().parcel {
        // There is nothing to let go of.
        parcel.read();
    }
    pool_of(call)?.pool.withdraw(&task);
    call.state.slab.borrow_mut().release(slot);
    call.state.hold(false);
    nothing(call)
}

/// Milliseconds, however many; longer than a century is no limit that matters.
pub(crate) fn duration(ms: f64) -> Duration {
    Duration::try_from_secs_f64(ms / 1e3).unwrap_or(CENTURY).min(CENTURY)
}

const CENTURY: Duration = Duration::from_secs(100 * 366 * 24 * 3600);

/// `refusal(pool)`: 0, or why a submission would be refused. The cause of a broken pool is the value, its form
/// is in `scratch[0]`.
pub(crate) fn refusal(call: &Call<'_>) -> Answer {
    let entry = call.state.pool(call.u32(0)?)?;
    match entry.pool.refusal() {
        Some(Refusal::Broken { cause: Some(cause) }) => {
            let (form, value) = writing::write_packed(call.env, &cause)?;
            call.state.header.set_scratch(0, f64::from(form));
            Ok(value)
        }
        _ => js::undefined(call.env),
    }
}

/// `state(slot)`
pub(crate) fn state(call: &Call<'_>) -> Answer {
    call.state.flag_services();
    let slab = call.state.slab.borrow();
    let task = slab.get(call.u32(0)?).ok_or_else(|| Fault::internal("no such future"))?;
    js::int(call.env, task.state() as i32)
}

/// `collect(slot)`: takes the outcome of a settled task. Row 0 of the header says what it is; the value is
/// returned. -1 in the kind if it has not settled.
pub(crate) fn collect(call: &Call<'_>) -> Answer {
    let slot = call.u32(0)?;
    let task = call.state.task(slot)?;
    if !task.state().is_settled() {
        call.state.header.set_row(0, slot, -1, 0.0);
        return js::undefined(call.env);
    }
    let (kind, number, value) = deliver::write_outcome(call.env, task.take_outcome())?;
    call.state.header.set_row(0, slot, kind, number);
    value.map_or_else(|| js::undefined(call.env), Ok)
}

/// `progress(slot)`: the progress that was not delivered, as a flat array, or undefined.
pub(crate) fn progress(call: &Call<'_>) -> Answer {
    let task = call.state.task(call.u32(0)?)?;
    let list = deliver::progress(call.env, &task)?;
    list.map_or_else(|| js::undefined(call.env), Ok)
}

/// `cancel(pool, slot, interrupt)`: whether the future is cancelled now.
pub(crate) fn cancel(call: &Call<'_>) -> Answer {
    let entry = call.state.pool(call.u32(0)?)?;
    let task = call.state.task(call.u32(1)?)?;
    let found = entry.pool.cancel(&task, call.bool(2)?);
    js::boolean(call.env, found != Cancelled::No)
}

/// `park(slot, left)`: parks this thread until the task has settled, a pool asks for something, or a while has passed,
/// `left` milliseconds at the longest. On a worker of a pool it may run the task here; see `nest`.
pub(crate) fn park(call: &Call<'_>) -> Answer {
    let task = call.state.task(call.u32(0)?)?;
    nest::park(call.state, &task, call.f64(1)?)?;
    js::undefined(call.env)
}

/// `release(slot)`: the outcome was collected, and is not to be delivered: the slot is free.
pub(crate) fn release(call: &Call<'_>) -> Answer {
    let (state, slot) = (call.state, call.u32(0)?);
    let task = state.task(slot)?;
    if task.state().is_settled() {
        state.slab.borrow_mut().release(slot);
        state.hold(false);
        let slab = state.slab.borrow();
        state.mailbox.prune(|task| slab.holds(task.owner().slot, task));
    }
    nothing(call)
}

/// Parks this thread until `is_over`, a pool asks for something, or `deadline` has passed.
pub(crate) fn park_until(state: &IsolateState, deadline: Instant, is_over: impl Fn() -> bool) {
    while !is_over() {
        // What ends the wait is a note in this isolate's mailbox, or rings its bell: that ring wakes us.
        state.mailbox.listen();
        if is_over() || state.mailbox.has_services() || Instant::now() >= deadline {
            break;
        }
        state.bell.park(deadline);
    }
    // Whatever was posted meanwhile is delivered in the next turn of the loop.
    state.bell.ring_loop();
}

/// `services()`: what must be served while this thread waits, as a flat array of event, pool and number.
pub(crate) fn services(call: &Call<'_>) -> Answer {
    let list = js::array(call.env)?;
    let mut at = 0;
    for note in call.state.mailbox.take_services() {
        if let crate::mailbox::Note::Pool { event, pool, number } = note {
            for part in [f64::from(event as i32), f64::from(pool), number] {
                js::set_element(call.env, list, at, js::double(call.env, part)?)?;
                at += 1;
            }
        }
    }
    Ok(list)
}

/// `hold(held)`: one more, or one less, reason to keep the loop alive.
pub(crate) fn hold(call: &Call<'_>) -> Answer {
    call.state.hold(call.bool(0)?);
    js::undefined(call.env)
}

/// The pool that a call names first.
pub(crate) fn pool_of(call: &Call<'_>) -> Result<std::sync::Arc<PoolEntry>, Fault> {
    call.state.pool(call.u32(0)?)
}

/// An unused result.
pub(crate) fn nothing(call: &Call<'_>) -> Answer {
    js::undefined(call.env)
}

/// A task's id as a number.
pub(crate) fn id_value(call: &Call<'_>, id: u64) -> Result<sys::napi_value, Fault> {
    js::double(call.env, id as f64)
}
