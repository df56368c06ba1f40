//! How a task has come out, in a message.

use std::sync::Arc;

use pool::{Failure, Outcome, TimeLimit};

use crate::tasks::task::{Exit, JsWork};
use crate::values::failure::without_memory;
use crate::values::value::{Packed, Value};
use crate::values::wire::{Unsendable, Writer};
use crate::values::wire_reader::{Malformed, Reader};

mod end {
    pub(super) const RETURNED: u8 = 0;
    pub(super) const THREW: u8 = 1;
    pub(super) const PANICKED: u8 = 2;
    pub(super) const CANCELLED: u8 = 3;
    pub(super) const EXPIRED: u8 = 4;
    pub(super) const TIMED_OUT: u8 = 5;
    pub(super) const LOST: u8 = 6;
    pub(super) const BROKEN: u8 = 7;
    pub(super) const OUT_OF_TIME: u8 = 8;
}

mod exit {
    pub(super) const UNKNOWN: u8 = 0;
    pub(super) const CODE: u8 = 1;
    pub(super) const SIGNAL: u8 = 2;
}

/// Whether a task has come out so by returning or throwing: then its thread is as it was, and the next task
/// can begin. Both processes go by that.
pub(crate) fn has_ended_by_itself(outcome: &Outcome<JsWork>) -> bool {
    matches!(outcome, Ok(_) | Err(Failure::Threw(_)))
}

fn write_cause(writer: &mut Writer, cause: Option<&Arc<Packed>>) -> Result<(), Unsendable> {
    writer.bool(cause.is_some());
    cause.map_or(Ok(()), |cause| writer.packed_ref(cause))
}

fn read_cause(reader: &mut Reader<'_>) -> Result<Option<Arc<Packed>>, Malformed> {
    reader.option(Reader::error)
}

pub(crate) fn write_outcome(writer: &mut Writer, outcome: Outcome<JsWork>) -> Result<(), Unsendable> {
    match outcome {
        Ok(packed) => {
            writer.u8(end::RETURNED);
            return writer.packed(packed);
        }
        Err(Failure::Threw(error)) => {
            writer.u8(end::THREW);
            return writer.packed_ref(&error);
        }
        Err(Failure::Panicked(text)) => {
            writer.u8(end::PANICKED);
            writer.str(&text);
        }
        Err(Failure::Cancelled) => writer.u8(end::CANCELLED),
        Err(Failure::TimedOut { limit, trace }) => {
            writer.u8(match limit {
                TimeLimit::Queue => end::EXPIRED,
                TimeLimit::Run => end::TIMED_OUT,
                TimeLimit::Total => end::OUT_OF_TIME,
            });
            writer.option(trace.as_deref(), Writer::str);
        }
        Err(Failure::Lost { exit, cause }) => {
            writer.u8(end::LOST);
            let (kind, number) = match exit {
                None | Some(Exit::OfWorker(_)) => (exit::UNKNOWN, 0),
                Some(Exit::Code(code)) => (exit::CODE, code),
                Some(Exit::Signal(signal)) => (exit::SIGNAL, signal),
            };
            writer.u8(kind);
            writer.i32(number);
            return write_cause(writer, cause.as_ref());
        }
        Err(Failure::Broken { cause }) => {
            writer.u8(end::BROKEN);
            return write_cause(writer, cause.as_ref());
        }
    }
    Ok(())
}

fn timed_out(limit: TimeLimit, reader: &mut Reader<'_>) -> Result<Outcome<JsWork>, Malformed> {
    Ok(Err(Failure::TimedOut { limit, trace: reader.option(Reader::str)?.map(String::from) }))
}

pub(crate) fn read_outcome(reader: &mut Reader<'_>) -> Result<Outcome<JsWork>, Malformed> {
    Ok(match reader.u8()? {
        end::RETURNED => match reader.packed()? {
            Packed { value: Value::Missing(bytes), .. } => Err(Failure::Threw(without_memory(bytes))),
            packed => Ok(packed),
        },
        end::THREW => Err(Failure::Threw(reader.error()?)),
        end::PANICKED => Err(Failure::Panicked(reader.str()?.into())),
        end::CANCELLED => Err(Failure::Cancelled),
        end::EXPIRED => timed_out(TimeLimit::Queue, reader)?,
        end::TIMED_OUT => timed_out(TimeLimit::Run, reader)?,
        end::OUT_OF_TIME => timed_out(TimeLimit::Total, reader)?,
        end::LOST => {
            let (kind, number) = (reader.u8()?, reader.i32()?);
            let exit = match kind {
                exit::CODE => Some(Exit::Code(number)),
                exit::SIGNAL => Some(Exit::Signal(number)),
                _ => None,
            };
            Err(Failure::Lost { exit, cause: read_cause(reader)? })
        }
        end::BROKEN => Err(Failure::Broken { cause: read_cause(reader)? }),
        _ => return Err(Malformed),
    })
}
