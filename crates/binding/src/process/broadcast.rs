//! What a task of a child has each worker of the pool run.

use pool::{Kind, Spec};

use crate::process::asked::note_asked;
use crate::process::message;
use crate::process::nested::Nested;
use crate::process::refusal::{self, code_of};
use crate::process::supervisor::Supervisor;
use crate::tasks::functions::FunctionUse;
use crate::tasks::task::{Destination, Ticket};
use crate::values::text::Text;
use crate::values::wire::Writer;
use crate::values::wire_reader::{Malformed, Reader};

/// More workers than a pool may have.
const MOST_WORKERS: u32 = 1 << 16;

/// Submits a task for each worker; the arguments are made anew for each.
pub(super) fn broadcast(
    supervisor: &Supervisor,
    reader: &mut Reader<'_>,
    writer: &mut Writer,
) -> Result<(), Malformed> {
    let count = reader.u32()?;
    if count > MOST_WORKERS {
        return Err(Malformed);
    }
    let references = (0..count).map(|_| reader.u64()).collect::<Result<Vec<_>, _>>()?;
    let names = (0..count).map(|_| reader.label()).collect::<Result<Vec<_>, _>>()?;
    let (text, function_name) = (reader.str()?, reader.str()?);
    let (timeout, total_timeout) = (reader.limit()?, reader.limit()?);
    let (work, is_cut) = reader.rest_of_part();
    let (entry, link) = (&supervisor.entry, supervisor.link.clone());
    let spec = |(reference, name): (&u64, Option<Text>)| {
        let function = FunctionUse::of(text, function_name);
        let needs = function.number();
        let there = Nested::new(link.clone(), *reference, Some(function));
        let there = Destination::Elsewhere(Box::new(there));
        let work = message::read_work(&mut Reader::of_part(work, is_cut), None, &link.sharing.got)?;
        let owner = Ticket::new(there, entry.id, 0, name);
        Ok(Spec { needs, timeout, total_timeout, ..Spec::new(Kind::Process, work, owner) })
    };
    let specs = references.iter().zip(names).map(spec).collect::<Result<Vec<_>, Malformed>>()?;
    match entry.pool.broadcast(specs) {
        Ok(tasks) => {
            writer.u8(refusal::NONE);
            writer.u32(tasks.len() as u32);
            for (reference, task) in references.into_iter().zip(tasks) {
                writer.u64(task.id());
                note_asked(&link, reference, task);
            }
        }
        Err(reason) => writer.u8(code_of(&reason)),
    }
    Ok(())
}
