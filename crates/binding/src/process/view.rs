//! What is to be seen of a child from outside, and how another child is told.

use std::time::Duration;

use pool::WorkerState;

use crate::values::text::Text;
use crate::values::wire::Writer;
use crate::values::wire_reader::{Malformed, Reader};

/// What a child has said of its JavaScript.
#[derive(Clone, Default)]
pub(crate) struct Look {
    pub(crate) stack: Option<String>,
    pub(crate) is_asleep: bool,
}

impl Look {
    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.bool(self.is_asleep);
        writer.option(self.stack.as_deref(), Writer::str);
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Look, Malformed> {
        let is_asleep = reader.bool()?;
        Ok(Look { is_asleep, stack: reader.option(Reader::str)?.map(String::from) })
    }
}

/// One look at a child.
pub(crate) struct ChildView {
    pub(crate) pid: u32,
    pub(crate) state: WorkerState,
    pub(crate) memory: Option<u64>,
    pub(crate) look: Option<Look>,
    pub(crate) task: Option<TaskView>,
}

pub(crate) struct TaskView {
    pub(crate) id: u64,
    /// What the task was called, and what travels with it (lib/diagnostics/label.ts).
    pub(crate) label: Option<Text>,
    /// The name of its function.
    pub(crate) function: Option<String>,
    pub(crate) running_for: Duration,
    /// The number of its kernel, of a native task.
    pub(crate) kernel: Option<u32>,
}

const STATES: [WorkerState; 4] =
    [WorkerState::Preparing, WorkerState::Idle, WorkerState::Busy, WorkerState::Abandoned];

impl ChildView {
    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.u32(self.pid);
        let state = match self.state {
            WorkerState::Preparing => 0,
            WorkerState::Idle | WorkerState::Lingering | WorkerState::Reserved => 1,
            WorkerState::Abandoned => 3,
            _ => 2,
        };
        writer.u8(state);
        writer.option(self.memory, Writer::u64);
        writer.option(self.look.as_ref(), |writer, look| look.write(writer));
        writer.option(self.task.as_ref(), |writer, task| {
            writer.u64(task.id);
            writer.label(task.label.as_ref());
            writer.option(task.function.as_deref(), Writer::str);
            writer.f64(task.running_for.as_secs_f64());
            writer.option(task.kernel, Writer::u32);
        });
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<ChildView, Malformed> {
        Ok(ChildView {
            pid: reader.u32()?,
            state: *STATES.get(reader.u8()? as usize).ok_or(Malformed)?,
            memory: reader.option(Reader::u64)?,
            look: reader.option(Look::read)?,
            task: reader.option(|reader| {
                Ok(TaskView {
                    id: reader.u64()?,
                    label: reader.label()?,
                    function: reader.option(Reader::str)?.map(String::from),
                    running_for: Duration::try_from_secs_f64(reader.f64()?).map_err(|_| Malformed)?,
                    kernel: reader.option(Reader::u32)?,
                })
            })?,
        })
    }
}
