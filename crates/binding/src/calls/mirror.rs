//! What a child's tasks ask of their executor: each is a question to the pool's process.

use std::sync::Arc;
use std::time::Duration;

use pool::{Kind, Spec};

use crate::js::Fault;
use crate::native::plugins;
use crate::process::message::{NATIVE, Request, write_work};
use crate::process::parent::Parent;
use crate::process::refusal;
use crate::process::view::ChildView;
use crate::tasks::functions;
use crate::tasks::recorder::Row;
use crate::tasks::task::{JsTask, JsWork, Ticket};
use crate::tasks::warm_up;
use crate::values::shared_value;
use crate::values::text::Text;
use crate::values::value::{ArgList, Args, FORM_AS_IS, Packed};
use crate::values::wire::{Unsendable, Writer};
use crate::values::wire_reader::{Malformed, Reader};

/// Has the pool's process keep the shared values among the arguments of a task.
fn share_all(parent: &Parent, work: &JsWork) -> Result<(), Fault> {
    for value in work.shared() {
        // One that was shared before this child had joined.
        if let Some(value) = shared_value::find(value.number()) {
            parent.share(&value)?;
        }
    }
    Ok(())
}

/// What is kept of what was accepted, with the id of the task there; or why it is refused, by the codes of
/// `process::refusal`.
type Accepted = Result<(u64, Arc<JsTask>), u8>;
type AllAccepted = Result<Vec<(u64, Arc<JsTask>)>, u8>;

fn write_function(writer: &mut Writer, function: u32) -> Result<(), Unsendable> {
    for text in [functions::text(function), functions::name(function)] {
        let text = text.unwrap_or_else(|| "".into());
        writer.room(text.len())?;
        writer.str(&text);
    }
    Ok(())
}

/// Submits a task.
pub(super) fn submit(
    parent: &'static Parent,
    spec: Spec<JsWork>,
    name: Option<Text>,
) -> Result<Accepted, Fault> {
    let mut body = Writer::default();
    let (needs, is_native) = (spec.needs, spec.needs & NATIVE != 0);
    body.option(is_native.then_some(needs & !NATIVE), Writer::u32);
    let plugin = if is_native { plugins::source_of(needs & !NATIVE) } else { None };
    body.option(plugin, |writer, source| {
        writer.u32((needs & !NATIVE) - source.first);
        writer.str(&source.path);
        writer.u32(source.count);
    });
    if !is_native {
        write_function(&mut body, needs)?;
    }
    body.label(name.as_ref());
    body.f64(spec.priority);
    body.limit(spec.timeout);
    body.limit(spec.queue_timeout);
    body.limit(spec.total_timeout);
    body.room(spec.key.as_ref().map_or(0, |key| key.bytes().len()))?;
    body.option(spec.key.as_ref(), |writer, key| writer.bytes(key.bytes()));
    body.bool(spec.is_rest);
    share_all(parent, &spec.work)?;
    body.option(spec.owner.stream.as_ref(), |writer, stream| writer.u64(stream.allowed()));
    write_work(&mut body, spec.work)?;
    let nothing = JsWork::Isolate(Args { form: FORM_AS_IS, values: ArgList::None });
    let kept = Spec { needs, ..Spec::new(Kind::Process, nothing, spec.owner) };
    ask_for(parent, Request::Submit, kept, |writer| writer.append(body))
}

pub(super) fn audience(parent: &Parent) -> Result<u32, Fault> {
    let answer = parent.request(Request::Audience, |_| {})?;
    Ok(Reader::new(&answer).u32()?)
}

/// Submits a task for each worker. The specs are the same but for their owners. With the tasks come their
/// ids there.
pub(super) fn broadcast(parent: &Parent, specs: Vec<Spec<JsWork>>) -> Result<AllAccepted, Fault> {
    let mut body = Writer::default();
    let mut tasks = Vec::new();
    for mut spec in specs {
        let nothing = JsWork::Isolate(Args { form: FORM_AS_IS, values: ArgList::None });
        let work = std::mem::replace(&mut spec.work, nothing);
        if tasks.is_empty() {
            write_function(&mut body, spec.needs)?;
            body.limit(spec.timeout);
            body.limit(spec.total_timeout);
            share_all(parent, &work)?;
            write_work(&mut body, work)?;
        }
        tasks.push(keep(parent, Spec { timeout: None, total_timeout: None, ..spec })?);
    }
    let forget = || tasks.iter().for_each(|task| parent.forget(task));
    if tasks.is_empty() {
        // Whether it would be refused is to be known all the same.
        let (code, _) = why_refused(parent)?;
        let is_over = code != refusal::NONE && code != refusal::FULL;
        return Ok(if is_over { Err(code) } else { Ok(Vec::new()) });
    }
    let write = |writer: &mut Writer| {
        writer.u32(tasks.len() as u32);
        tasks.iter().for_each(|task| writer.u64(task.id()));
        tasks.iter().for_each(|task| writer.label(task.owner().name.as_ref()));
        writer.append(body);
    };
    let answer = parent.request(Request::Broadcast, write).map_err(Fault::from);
    let read = |reader: &mut Reader<'_>| {
        let count = reader.u32()?;
        (0..count).map(|_| reader.u64()).collect::<Result<Vec<_>, _>>()
    };
    match answer.and_then(|answer| read_accepted(&answer, read)) {
        Ok(Ok(ids)) => {
            for task in tasks.split_off(tasks.len().min(ids.len())) {
                parent.forget(&task);
            }
            Ok(Ok(ids.into_iter().zip(tasks).collect()))
        }
        Ok(Err(code)) => {
            forget();
            Ok(Err(code))
        }
        Err(fault) => {
            forget();
            Err(fault)
        }
    }
}

/// What an answer has of what was accepted, as `read` reads it, or why nothing was.
fn read_accepted<T>(
    answer: &[u8],
    read: impl FnOnce(&mut Reader<'_>) -> Result<T, Malformed>,
) -> Result<Result<T, u8>, Fault> {
    let mut reader = Reader::new(answer);
    match reader.u8()? {
        refusal::NONE => Ok(Ok(read(&mut reader)?)),
        code => Ok(Err(code)),
    }
}

/// A future that settles when so many workers are ready; why it is refused, in the same way.
pub(super) fn warm_up(
    parent: &'static Parent,
    owner: Ticket,
    workers: u32,
) -> Result<Result<Arc<JsTask>, u8>, Fault> {
    let spec = warm_up::spec(Kind::Process, owner);
    let accepted = ask_for(parent, Request::WarmUp, spec, |writer| writer.u32(workers))?;
    Ok(accepted.map(|(_, task)| task))
}

/// The mirror keeps a task, in the state that the pool's process says.
fn keep(parent: &Parent, spec: Spec<JsWork>) -> Result<Arc<JsTask>, Fault> {
    let task =
        parent.mirror.pool.submit(spec).map_err(|_| Fault::internal("the mirror of a pool is closed"))?;
    parent.mirror(&task);
    Ok(task)
}

/// Asks for something that has a future, which the mirror keeps: this.
fn ask_for(
    parent: &'static Parent,
    request: Request,
    kept: Spec<JsWork>,
    write: impl FnOnce(&mut Writer),
) -> Result<Accepted, Fault> {
    let task = keep(parent, kept)?;
    parent.forward_room(&task);
    let write = |writer: &mut Writer| {
        writer.u64(task.id());
        write(writer);
    };
    let answer = parent.request(request, write).map_err(Fault::from);
    match answer.and_then(|answer| read_accepted(&answer, |reader| reader.u64())) {
        Ok(Ok(id)) => Ok(Ok((id, task))),
        Ok(Err(code)) => {
            parent.forget(&task);
            Ok(Err(code))
        }
        Err(fault) => {
            parent.forget(&task);
            Err(fault)
        }
    }
}

/// Whether the task is cancelled now.
pub(super) fn cancel(
    parent: &Parent,
    task: &Arc<JsTask>,
    interrupt: bool,
    reason: Option<&Packed>,
) -> Result<bool, Fault> {
    let is_cancelled = parent.ask(Request::Cancel, |writer| {
        writer.u64(task.id());
        writer.bool(interrupt);
        writer.bool(task.owner().stream.as_ref().is_some_and(|stream| stream.is_left()));
        writer.packed_if_able(reason);
    })?;
    if is_cancelled {
        parent.mirror.pool.cancel(task, true);
    }
    Ok(is_cancelled || task.state() == pool::State::Cancelled)
}

pub(super) fn expire(parent: &Parent, task: &Arc<JsTask>) -> Result<(), Fault> {
    parent.have_done(Request::Expire, |writer| writer.u64(task.id()))
}

pub(super) fn stats(parent: &Parent) -> Result<Vec<f64>, Fault> {
    let answer = parent.request(Request::Stats, |_| {})?;
    let mut reader = Reader::new(&answer);
    let count = reader.u32()?;
    Ok((0..count).map(|_| reader.f64()).collect::<Result<_, _>>()?)
}

/// Why a task would be refused now, and the cause of a broken pool.
pub(super) fn why_refused(parent: &Parent) -> Result<(u8, Option<Packed>), Fault> {
    let answer = parent.request(Request::Refusal, |_| {})?;
    let mut reader = Reader::new(&answer);
    Ok((reader.u8()?, reader.option(Reader::packed)?))
}

pub(super) fn has_room(parent: &Parent) -> Result<bool, Fault> {
    parent.ask(Request::WantRoom, |_| {})
}

pub(super) fn max_workers(parent: &Parent) -> Result<u32, Fault> {
    let answer = parent.request(Request::MaxWorkers, |_| {})?;
    Ok(Reader::new(&answer).u32()?)
}

/// As `PoolEntry::resize` answers.
pub(super) fn resize(parent: &Parent, max_workers: u32) -> Result<u32, Fault> {
    let answer = parent.request(Request::Resize, |writer| writer.u32(max_workers))?;
    Ok(Reader::new(&answer).u32()?)
}

pub(super) fn is_closed(parent: &Parent) -> Result<bool, Fault> {
    parent.ask(Request::IsClosed, |_| {})
}

/// Whether the limit is watched.
pub(super) fn shutdown(
    parent: &Parent,
    cancel_pending: bool,
    limit: Option<Duration>,
) -> Result<bool, Fault> {
    parent.ask(Request::Shutdown, |writer| {
        writer.bool(cancel_pending);
        writer.limit(limit);
    })
}

pub(super) fn terminate(parent: &Parent) -> Result<(), Fault> {
    parent.have_done(Request::Terminate, |_| {})
}

pub(super) fn count_cancelled(parent: &Parent) -> Result<(), Fault> {
    parent.have_done(Request::CountCancelled, |_| {})
}

pub(super) fn dump(parent: &Parent) -> Result<Vec<ChildView>, Fault> {
    let answer = parent.request(Request::Dump, |_| {})?;
    let mut reader = Reader::new(&answer);
    let count = reader.u32()?;
    Ok((0..count).map(|_| ChildView::read(&mut reader)).collect::<Result<_, _>>()?)
}

pub(super) fn trace_start(parent: &Parent) -> Result<u32, Fault> {
    let answer = parent.request(Request::TraceStart, |_| {})?;
    Ok(Reader::new(&answer).u32()?)
}

pub(super) fn trace_take(parent: &Parent, number: u32, most: u32) -> Result<Vec<Row>, Fault> {
    let answer = parent.request(Request::TraceTake, |writer| {
        writer.u32(number);
        writer.u32(most);
    })?;
    let mut reader = Reader::new(&answer);
    let count = reader.u32()?;
    Ok((0..count).map(|_| Row::read(&mut reader)).collect::<Result<_, _>>()?)
}

pub(super) fn trace_dropped(parent: &Parent, number: u32) -> Result<u64, Fault> {
    let answer = parent.request(Request::TraceDropped, |writer| writer.u32(number))?;
    Ok(Reader::new(&answer).u64()?)
}
