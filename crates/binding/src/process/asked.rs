//! What a child's task asks for that has a future: tasks, and workers to be warmed up.

use std::sync::Arc;

use pool::{Kind, Spec};

use crate::native::plugins;
use crate::process::child_link::ChildLink;
use crate::process::message::{self, NATIVE};
use crate::process::nested::Nested;
use crate::process::refusal::{self, code_of};
use crate::process::supervisor::Supervisor;
use crate::tasks::functions::FunctionUse;
use crate::tasks::stream::Stream;
use crate::tasks::task::{Destination, JsTask, Ticket};
use crate::tasks::warm_up;
use crate::values::wire::Writer;
use crate::values::wire_reader::{Malformed, Reader};

/// Which task of which plug-in, as a child has loaded it, and how many it has.
fn read_plugin<'a>(reader: &mut Reader<'a>) -> Result<(u32, &'a str, u32), Malformed> {
    let (index, path, count) = (reader.u32()?, reader.str()?, reader.u32()?);
    if count > MOST_TASKS { Err(Malformed) } else { Ok((index, path, count)) }
}

/// More tasks than any plug-in has.
const MOST_TASKS: u32 = 1 << 16;

pub(super) fn submit(
    supervisor: &mut Supervisor,
    reader: &mut Reader<'_>,
    writer: &mut Writer,
) -> Result<(), Malformed> {
    let reference = reader.u64()?;
    let kernel = reader.option(Reader::u32)?;
    let kernel = match reader.option(read_plugin)? {
        Some((index, path, count)) if index < count => Some(plugins::reserve(path, count) + index),
        Some(_) => return Err(Malformed),
        None => kernel,
    };
    let function = match kernel {
        Some(_) => None,
        None => Some(FunctionUse::of(reader.str()?, reader.str()?)),
    };
    let name = reader.label()?;
    let (priority, timeout, queue_timeout, total_timeout) =
        (reader.f64()?, reader.limit()?, reader.limit()?, reader.limit()?);
    let key = reader.option(Reader::bytes)?.map(|bytes| pool::Key::new(bytes.into()));
    let is_rest = reader.bool()?;
    let stream = reader.option(Reader::u64)?.map(|room| Stream::new(0, room));
    let work = message::read_work(reader, kernel, &supervisor.link.sharing.got)?;
    if priority.is_nan() || kernel.is_some_and(|kernel| kernel & NATIVE != 0) {
        return Err(Malformed);
    }
    let needs = match (&function, kernel) {
        (Some(function), _) => function.number(),
        (None, kernel) => kernel.unwrap_or(0) | NATIVE,
    };
    let link = supervisor.link.clone();
    let there = Destination::Elsewhere(Box::new(Nested::new(link.clone(), reference, function)));
    let spec = Spec {
        kind: Kind::Process,
        work,
        owner: Ticket { stream, ..Ticket::new(there, supervisor.entry.id, 0, name) },
        needs,
        needs_handover: false,
        priority,
        timeout,
        queue_timeout,
        total_timeout,
        key,
        is_rest,
    };
    let accepted = supervisor.entry.pool.submit(spec).map_err(|refused| code_of(&refused.reason));
    answer_asked(&link, reference, accepted, writer);
    Ok(())
}

pub(super) fn warm_up(
    supervisor: &mut Supervisor,
    reader: &mut Reader<'_>,
    writer: &mut Writer,
) -> Result<(), Malformed> {
    let (reference, workers) = (reader.u64()?, reader.u32()?);
    let link = supervisor.link.clone();
    let there = Destination::Elsewhere(Box::new(Nested::new(link.clone(), reference, None)));
    let ticket = Ticket::new(there, supervisor.entry.id, 0, None);
    let accepted = warm_up::begin(&supervisor.entry, ticket, workers).map_err(|refusal| code_of(&refusal));
    answer_asked(&link, reference, accepted, writer);
    Ok(())
}

/// Answers whether the child has got the future of this number.
fn answer_asked(link: &ChildLink, reference: u64, accepted: Result<Arc<JsTask>, u8>, writer: &mut Writer) {
    match accepted {
        Ok(task) => {
            writer.u8(refusal::NONE);
            writer.u64(task.id());
            note_asked(link, reference, task);
        }
        Err(code) => writer.u8(code),
    }
}

/// The child has got a future, which it knows by this number.
pub(super) fn note_asked(link: &ChildLink, reference: u64, task: Arc<JsTask>) {
    link.nested.lock().insert(reference, task.clone());
    // If it has settled before it was there, nobody has taken it out.
    if task.state().is_settled() {
        link.nested.lock().remove(&reference);
    }
}
