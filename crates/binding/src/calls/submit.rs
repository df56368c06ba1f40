//! Submitting tasks.

use std::sync::Arc;
use std::time::Duration;

use napi::sys;
use pool::{Kind, Refusal, Spec};

use crate::calls::call::{Answer, Call, nothing, pool_of};
use crate::calls::mirror;
use crate::isolate::header::scratch;
use crate::js::{self, Fault, shared_numbers};
use crate::native::chunk::Calls;
use crate::process::message::NATIVE as NATIVE_BIT;
use crate::process::parent;
use crate::process::refusal::{self, code_of};
use crate::supervision::stopper;
use crate::tasks::pools::PoolEntry;
use crate::tasks::port_value::PortValue;
use crate::tasks::stream::Stream;
use crate::tasks::task::{Destination, JsTask, JsWork, Ticket};
use crate::values::port::PortRef;
use crate::values::reading;
use crate::values::shared_use::SharedPlace;
use crate::values::text::Text;
use crate::values::value::{self, ArgList, Args, Value};
use crate::values::writing;

shared_numbers! {
    /// Answers of `submit` that are no slot, and of `refusal`.
    pub(super) REFUSALS = "REFUSED": i32 {
        FULL = -1,
        SHUT_DOWN = -2,
        BROKEN = -3,
        NO_CLOCK = -4,
    }
}

shared_numbers! {
    /// Bits of the flags of `submit`.
    pub(super) SUBMIT_FLAGS = "FLAG": u32 {
        NATIVE = 1,
        /// `scratch` has priority, timeout, queueTimeout and totalTimeout.
        LIMITED = 2,
        /// The last argument is the task's name.
        NAMED = 4,
        /// The buffers of the bytes among the values move.
        MOVES = 8,
        /// The value is a list of the arguments of several calls of a native task, each of which takes so
        /// many of them as `scratch` says; if all are numbers, a Float64Array.
        CHUNKED = 16,
        /// The task is a stream; `scratch` has its number, and how many values it may make ahead.
        STREAM = 32,
        /// The task has the key that `keepKey` was called with.
        KEYED = 64,
        /// It is the rest of a task that was accepted; see `pool::Spec`.
        REST = 128,
    }
}

/// `submit(…values)` with its numbers in `scratch`: pool, function, flags, form. Gives the slot of the
/// future, or why there is none. If a MessagePort carries the values, there are none here; the number of
/// their port value is in `scratch`, and the task waits for `payloadReady`.
pub(crate) fn submit(call: &Call<'_>) -> Answer {
    let (env, state) = (call.env, call.state);
    let number = |place: usize| state.header.scratch(place) as u32;
    let (function, flags) = (number(scratch::FUNCTION), number(scratch::FLAGS));
    let form = number(scratch::VALUE_FORM) as u8;
    let (mut values, name) = split_name(call, flags)?;
    let entry = state.pool(number(scratch::POOL))?;
    let is_native = flags & NATIVE != 0;
    let port_value = (!is_native && value::is_on_port(form))
        .then(|| PortValue::of_arguments(entry.id, entry.owner.clone()));
    let list = values.first().copied().filter(|_| !is_native && value::is_list(form));
    let elements;
    if flags & CHUNKED != 0 {
        elements = js::elements(env, call.value(0)?)?;
        values = &elements;
    }
    let work = match &port_value {
        Some(port_value) => on_port(call, form, port_value, values)?,
        None if is_native => native_work(call, function, flags, form, values)?,
        None => isolate_work(call, flags, form, values)?,
    };
    let slot = state.futures.borrow_mut().reserve();
    let is_in_children = entry.kind == Kind::Process;
    let mirrored = if is_in_children { parent::of_mirror(&entry) } else { None };
    let given = mirrored.and(name.as_ref().and_then(Text::copy));
    let ticket = Ticket::new(Destination::Isolate(state.mailbox.clone()), entry.id, slot, name);
    let spec = Spec {
        kind: if is_native && !is_in_children { Kind::Native } else { entry.kind },
        work,
        needs_handover: port_value.is_some(),
        owner: Ticket { port_value: port_value.clone(), stream: stream(call, flags), ..ticket },
        // A native thread has every kernel; its number is for `dump`, and for the child that runs it.
        needs: if is_native && is_in_children { function | NATIVE_BIT } else { function },
        key: if flags & KEYED != 0 { state.key.take() } else { None },
        priority: if flags & LIMITED != 0 { state.header.scratch(scratch::PRIORITY) } else { 0.0 },
        timeout: limit(call, flags, scratch::TIMEOUT),
        queue_timeout: limit(call, flags, scratch::QUEUE_TIMEOUT),
        total_timeout: limit(call, flags, scratch::TOTAL_TIMEOUT),
        is_rest: flags & REST != 0,
    };
    if !can_be_stopped(&spec) {
        state.futures.borrow_mut().release(slot);
        return js::int(env, NO_CLOCK);
    }
    let submitted = match mirrored {
        Some(parent) => mirror::submit(parent, spec, given).inspect_err(|_| {
            state.futures.borrow_mut().release(slot);
        })?,
        None => submit_here(&entry, spec),
    };
    match submitted {
        Ok((id, task)) => {
            state.header.set_scratch(scratch::TASK_ID, id as f64);
            state.futures.borrow_mut().fill(slot, task);
            // Only now: a task that is refused leaves them untouched.
            if let Some(list) = list {
                reading::detach_all(env, list)?;
            }
            if flags & MOVES != 0 {
                values.iter().try_for_each(|value| reading::detach_whole(env, *value))?;
            }
            state.keep_loop_alive(true);
            if let Some(port_value) = port_value {
                state.header.set_scratch(scratch::PORT_VALUE, port_value.number());
            }
            state.flag_services();
            js::int(env, slot as i32)
        }
        Err(code) => {
            state.futures.borrow_mut().release(slot);
            js::int(env, answer(code))
        }
    }
}

/// Whether there is who stops the task, if its time is limited.
fn can_be_stopped(spec: &Spec<JsWork>) -> bool {
    let may_be = spec.timeout.is_some() || spec.total_timeout.is_some();
    spec.kind != Kind::Isolate || !may_be || stopper::THREAD.start().is_ok()
}

/// Submits to a pool of this process: the task and its id, or why there is none.
fn submit_here(entry: &PoolEntry, spec: Spec<JsWork>) -> Result<(u64, Arc<JsTask>), u8> {
    let task = entry.pool.submit(spec).map_err(|refused| code_of(&refused.reason))?;
    Ok((task.id(), task))
}

/// `keepKey(text)`: the task that is submitted next has this key.
pub(crate) fn keep_key(call: &Call<'_>) -> Answer {
    let text = call.value(0)?;
    // Not as UTF-8, in which all lone surrogates are one.
    let units = js::get_utf16(call.env, text, js::string_length(call.env, text)?)?;
    let bytes: Vec<u8> = units.into_iter().flat_map(u16::to_le_bytes).collect();
    call.state.key.replace(Some(pool::Key::new(bytes.into())));
    nothing(call)
}

/// The values of a submission, and its name.
fn split_name<'a>(call: &'a Call<'_>, flags: u32) -> Result<(&'a [sys::napi_value], Option<Text>), Fault> {
    match call.args().split_last() {
        Some((name, values)) if flags & NAMED != 0 => Ok((values, Some(Text::read(call.env, *name, false)?))),
        _ => Ok((call.args(), None)),
    }
}

/// The limit of time at this place of `scratch`, if there is one.
pub(super) fn limit(call: &Call<'_>, flags: u32, place: usize) -> Option<Duration> {
    let ms = if flags & LIMITED != 0 { call.state.header.scratch(place) } else { -1.0 };
    (ms >= 0.0).then(|| js::duration(ms))
}

/// What the task has besides, if it is a stream.
fn stream(call: &Call<'_>, flags: u32) -> Option<Box<Stream>> {
    let number = |place: usize| call.state.header.scratch(place);
    (flags & STREAM != 0)
        .then(|| Stream::new(number(scratch::STREAM_ID) as u32, number(scratch::BUFFER) as u64))
}

fn on_port(
    call: &Call<'_>,
    form: u8,
    port_value: &Arc<PortValue>,
    values: &[sys::napi_value],
) -> Result<JsWork, Fault> {
    let value = Value::Port(PortRef(port_value.clone()));
    let values = match values {
        [places] if value::has_shared(form) => with_shared(call, value, *places)?,
        _ => ArgList::One(value),
    };
    Ok(JsWork::Isolate(Args { form, values }))
}

/// All other arguments, and the shared values that this flat array of places and numbers has.
fn with_shared(call: &Call<'_>, others: Value, places: sys::napi_value) -> Result<ArgList, Fault> {
    let numbers = js::elements(call.env, places)?;
    let number = |at: usize| js::get_double(call.env, numbers[at]);
    let mut values = Vec::with_capacity(1 + numbers.len() / 2);
    values.push(others);
    for at in (0..numbers.len()).step_by(2) {
        let found = call.state.shareds.find(number(at + 1)? as u64);
        let value = found.ok_or_else(|| Fault::internal("no such shared value"))?;
        values.push(Value::Shared(SharedPlace { place: number(at)? as u32, value }));
    }
    Ok(ArgList::Many(values.into_boxed_slice()))
}

pub(super) fn isolate_work(
    call: &Call<'_>,
    flags: u32,
    form: u8,
    values: &[sys::napi_value],
) -> Result<JsWork, Fault> {
    let values = match values {
        [packed, places] if value::has_shared(form) => {
            let others = reading::read_packed(call.env, &call.state.written, form, *packed, false)?;
            with_shared(call, others, *places)?
        }
        [packed] if value::is_list(form) || value::is_written(form) => {
            ArgList::One(reading::read_packed(call.env, &call.state.written, form, *packed, false)?)
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
    let width = call.state.header.scratch(scratch::ARITY) as usize;
    let limit = call.state.header.scratch(scratch::CHUNK_LIMIT);
    let limit = (limit >= 0.0).then(|| js::duration(limit));
    Ok(JsWork::NativeChunk { kernel, calls: Calls { width, values, limit } })
}

/// `payloadReady(pool, slot)`: the port value of a task is where its pool's owner finds it.
pub(crate) fn payload_ready(call: &Call<'_>) -> Answer {
    let task = call.state.task(call.u32(1)?)?;
    pool_of(call)?.pool.payload_ready(&task);
    call.state.flag_services();
    nothing(call)
}

/// `withdraw(pool, slot)`: instead, as if the task had never been submitted. There is no future of it.
pub(crate) fn withdraw(call: &Call<'_>) -> Answer {
    let slot = call.u32(1)?;
    let task = call.state.task(slot)?;
    if let Some(port_value) = &task.owner().port_value {
        port_value.forget();
    }
    pool_of(call)?.pool.withdraw(&task);
    call.state.release_future(slot, &task);
    nothing(call)
}

pub(super) fn answer(code: u8) -> i32 {
    match code {
        refusal::NONE => 0,
        refusal::FULL => FULL,
        refusal::BROKEN => BROKEN,
        refusal::NO_CLOCK => NO_CLOCK,
        _ => SHUT_DOWN,
    }
}

/// `countCancelled(pool)`: a task was cancelled before it could be submitted.
pub(crate) fn count_cancelled(call: &Call<'_>) -> Answer {
    let entry = pool_of(call)?;
    match parent::of_mirror(&entry) {
        Some(parent) => mirror::count_cancelled(parent)?,
        None => entry.pool.count_cancelled(),
    }
    nothing(call)
}

/// `refusal(pool)`: in `scratch` 0, or why a submission would be refused. The cause of a broken pool is the
/// value, its form is in `scratch`, too.
pub(crate) fn refusal(call: &Call<'_>) -> Answer {
    let entry = pool_of(call)?;
    let (code, cause) = match parent::of_mirror(&entry) {
        Some(parent) => {
            let (code, cause) = mirror::why_refused(parent)?;
            (code, cause.map(Arc::new))
        }
        None => match entry.pool.refusal() {
            None => (refusal::NONE, None),
            Some(refusal) => {
                let code = code_of(&refusal);
                (code, if let Refusal::Broken { cause } = refusal { cause } else { None })
            }
        },
    };
    call.state.header.set_scratch(scratch::REFUSAL, f64::from(answer(code)));
    let Some(cause) = cause else { return js::undefined(call.env) };
    let (form, value) = writing::write_packed(call.env, &cause)?;
    call.state.header.set_scratch(scratch::FORM, f64::from(form));
    Ok(value)
}
