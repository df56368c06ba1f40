//! What a child asks of the pool and waits for: what its tasks do with their executor, and their waits.

use std::sync::Arc;
use std::time::{Duration, Instant};

use pool::{Cancelled, Refusal};

use crate::process::asked::{submit, warm_up};
use crate::process::broadcast::broadcast;
use crate::process::children;
use crate::process::message::{Request, to_child};
use crate::process::refusal::{self, code_of};
use crate::process::supervisor::Supervisor;
use crate::tasks::pools;
use crate::tasks::task::JsTask;
use crate::tasks::{counts, deadlock, trace, yielding};
use crate::values::wire::Writer;
use crate::values::wire_reader::{Malformed, Reader};

/// So many rows of a trace are in a message.
const MOST_ROWS: u32 = 4_096;
/// How long a dump waits for the children.
const DUMP_ALL: Duration = Duration::from_millis(50);

/// An answer to the request of this number.
fn answer_to(number: u32) -> Writer {
    let mut writer = Writer::default();
    writer.u32(number);
    writer
}

/// Answers a request.
pub(crate) fn answer(supervisor: &mut Supervisor, reader: &mut Reader<'_>) -> Result<(), Malformed> {
    let number = reader.u32()?;
    let request = Request::from_number(reader.u8()?).ok_or(Malformed)?;
    let mut writer = answer_to(number);
    if request == Request::Dump {
        return dump(supervisor, number);
    }
    let then = serve(supervisor, request, reader, &mut writer)?;
    supervisor.link.channel.send(to_child::ANSWER, writer.finish());
    match then {
        Then::Nothing => {}
        Then::Work => supervisor.work(None),
        Then::Check(task) => supervisor.see_that_it_stops(&task),
    }
    Ok(())
}

/// What follows an answer.
enum Then {
    Nothing,
    /// The child may be given more tasks.
    Work,
    /// The child has got this task.
    Check(Arc<JsTask>),
}

/// Does what is asked.
fn serve(
    supervisor: &mut Supervisor,
    request: Request,
    reader: &mut Reader<'_>,
    writer: &mut Writer,
) -> Result<Then, Malformed> {
    let pool = supervisor.entry.pool.clone();
    match request {
        Request::Submit => submit(supervisor, reader, writer)?,
        Request::Cancel => cancel(supervisor, reader, writer)?,
        Request::Expire => {
            if let Some(task) = nested(supervisor, reader.u64()?) {
                pool.expire(&task);
            }
        }
        Request::Stats => {
            let numbers = counts::of_pool(&pool);
            writer.u32(numbers.len() as u32);
            numbers.into_iter().for_each(|number| writer.f64(number));
        }
        Request::Refusal => {
            let refusal = pool.refusal();
            writer.u8(refusal.as_ref().map_or(refusal::NONE, code_of));
            let cause = match &refusal {
                Some(Refusal::Broken { cause }) => cause.as_deref(),
                _ => None,
            };
            writer.packed_if_able(cause);
        }
        Request::WantRoom => writer.bool(!pool.want_room()),
        Request::IsClosed => writer.bool(pool.is_closed()),
        Request::Shutdown => {
            let (cancel_pending, limit) = (reader.bool()?, reader.limit()?);
            let is_watched = pools::shut_down(&pool, cancel_pending, limit);
            writer.bool(is_watched);
        }
        Request::Terminate => {
            pool.terminate();
            if let Some(children) = children::of_pool(supervisor.entry.id) {
                children.end_all();
            }
        }
        Request::MaxWorkers => writer.u32(pool.max_workers() as u32),
        Request::Resize => writer.u32(supervisor.entry.resize(reader.u32()?)),
        Request::Audience => writer.u32(pool.audience() as u32),
        Request::Broadcast => broadcast(supervisor, reader, writer)?,
        Request::WarmUp => warm_up(supervisor, reader, writer)?,
        Request::CountCancelled => pool.count_cancelled(),
        Request::Share => writer.bool(supervisor.link.sharing.take(reader)?.1),
        Request::TraceStart => writer.u32(trace::start(&supervisor.entry)),
        Request::TraceTake => {
            let rows = trace::take(&supervisor.entry, reader.u32()?, reader.u32()?.min(MOST_ROWS) as usize);
            writer.u32(rows.len() as u32);
            rows.iter().for_each(|row| row.write(writer));
        }
        Request::TraceDropped => writer.u64(trace::dropped(&supervisor.entry, reader.u32()?)),
        Request::Claim => return claim(supervisor, reader, writer),
        Request::Register => {
            let task = nested(supervisor, reader.u64()?);
            let refusal = task.and_then(|task| register(supervisor, &task).err());
            writer.option(refusal, Writer::str);
        }
        Request::Dump
        | Request::SuspendFor
        | Request::SuspendLimited
        | Request::SuspendBlocking
        | Request::ResumeBlocking
        | Request::SuspendClaiming
        | Request::ResumeClaiming => return wait(supervisor, request, reader, writer),
    }
    Ok(Then::Nothing)
}

fn cancel(supervisor: &Supervisor, reader: &mut Reader<'_>, writer: &mut Writer) -> Result<(), Malformed> {
    let task = nested(supervisor, reader.u64()?);
    let interrupt = reader.bool()?;
    let (is_left, reason) = (reader.bool()?, reader.reason()?);
    if is_left && let Some((task, stream)) = task.as_ref().and_then(yielding::of) {
        stream.leave(&task.owner().has_looked);
    }
    if let (Some(task), Some(reason)) = (&task, reason) {
        let _ = task.owner().stop_reason.set(Box::new(reason));
    }
    // One that is not there has settled, which the child has been told.
    let found = task.map_or(Cancelled::No, |task| supervisor.entry.pool.cancel(&task, interrupt));
    writer.bool(found != Cancelled::No);
    Ok(())
}

/// A wait of one of the child's tasks begins, or is over.
fn wait(
    supervisor: &mut Supervisor,
    request: Request,
    reader: &mut Reader<'_>,
    writer: &mut Writer,
) -> Result<Then, Malformed> {
    let Some(worker) = &supervisor.worker else { return Err(Malformed) };
    let blocks = match request {
        Request::SuspendFor => {
            let task = nested(supervisor, reader.u64()?);
            let cannot_run = reader.bool()?;
            let is_suspended = task.is_some_and(|task| worker.suspend_for(&task, cannot_run));
            writer.bool(is_suspended);
            is_suspended
        }
        Request::SuspendLimited => {
            worker.suspend_limited();
            true
        }
        Request::SuspendBlocking => {
            worker.suspend();
            true
        }
        Request::SuspendClaiming => {
            writer.bool(worker.suspend_claiming());
            true
        }
        Request::ResumeBlocking => {
            worker.resume();
            false
        }
        Request::ResumeClaiming => {
            worker.resume_claiming();
            false
        }
        _ => return Err(Malformed),
    };
    if supervisor.is_blocked && !blocks {
        supervisor.registered = None;
        supervisor.is_blocked = false;
        return Ok(Then::Work);
    }
    supervisor.is_blocked = blocks;
    Ok(Then::Nothing)
}

/// A task of the child's that has not settled.
fn nested(supervisor: &Supervisor, reference: u64) -> Option<Arc<JsTask>> {
    supervisor.link.nested.lock().get(&reference).cloned()
}

fn register(supervisor: &mut Supervisor, task: &Arc<JsTask>) -> Result<(), &'static str> {
    supervisor.registered = None;
    let held: Vec<_> = supervisor.held.values().map(|held| held.task.clone()).collect();
    if held.iter().any(|held| Arc::ptr_eq(held, task)) && !task.state().is_settled() {
        return Err("the task lies under the one that waits for it, or its promise needs the same process: \
             neither could ever go on");
    }
    yielding::refuse_wait(task)?;
    let worker = supervisor.worker.as_ref().map(pool::Worker::id);
    let pinned = worker.map(|worker| supervisor.entry.pool.pinned_to(worker));
    let bound = held.into_iter().chain(pinned.unwrap_or_default()).collect();
    supervisor.registered = Some(deadlock::register(&supervisor.entry, worker, bound, task)?);
    Ok(())
}

/// The task that the child blocks for, to be run on top of the one that does.
fn claim(
    supervisor: &mut Supervisor,
    reader: &mut Reader<'_>,
    writer: &mut Writer,
) -> Result<Then, Malformed> {
    let task = nested(supervisor, reader.u64()?);
    // What a child that ends is given would be lost.
    let worker = supervisor.worker.as_ref().filter(|_| !supervisor.is_leaving);
    let work = task.as_ref().and_then(|task| worker?.claim_task(task));
    let (Some(task), Some(work)) = (task, work) else {
        writer.bool(false);
        return Ok(Then::Nothing);
    };
    let mut body = Writer::default();
    match supervisor.write_task(&mut body, &task, work, false) {
        Ok(()) => {
            writer.bool(true);
            writer.append(body);
            Ok(Then::Check(task))
        }
        Err(error) => {
            writer.bool(false);
            if let Some(worker) = &supervisor.worker {
                worker.finish(&task, Err(pool::Failure::Threw(error)));
            }
            Ok(Then::Nothing)
        }
    }
}

/// Looks at all children; on a thread of its own, because the supervisor hears their answers.
fn dump(supervisor: &Supervisor, number: u32) -> Result<(), Malformed> {
    let (entry, link) = (supervisor.entry.clone(), supervisor.link.clone());
    let look = move || {
        let views = children::view(&entry, Instant::now() + DUMP_ALL);
        let mut writer = answer_to(number);
        writer.u32(views.len() as u32);
        views.iter().for_each(|view| view.write(&mut writer));
        link.channel.send(to_child::ANSWER, writer.finish());
    };
    if std::thread::Builder::new().name("cf-dump".into()).spawn(look).is_err() {
        let mut writer = answer_to(number);
        writer.u32(0);
        supervisor.link.channel.send(to_child::ANSWER, writer.finish());
    }
    Ok(())
}
