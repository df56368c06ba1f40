//! Streams between a process and a child: those that the child makes, and those that its tasks read.

use std::sync::Arc;

use crate::process::child_link::write_room;
use crate::process::message::{to_child, to_parent};
use crate::process::parent::Parent;
use crate::process::supervisor::Supervisor;
use crate::tasks::task::{Destination, JsTask};
use crate::tasks::{reading, yielding};
use crate::values::wire_reader::{Malformed, Reader};

impl Supervisor {
    /// Whether the child has a stream.
    pub(super) fn holds_stream(&self) -> bool {
        self.held.values().any(|held| held.task.owner().stream.is_some())
    }

    pub(super) fn take_of_stream(&mut self, kind: u8, reader: &mut Reader<'_>) -> Result<(), Malformed> {
        let number = reader.u64()?;
        if kind == to_parent::ROOM {
            let allowed = reader.u64()?;
            let task = self.link.nested.lock().get(&number).cloned();
            if let Some((_, stream)) = task.as_ref().and_then(yielding::of) {
                stream.allow(allowed);
            }
            return Ok(());
        }
        if kind == to_parent::READ {
            reading::end(self.link.place().addr(), number);
            return Ok(());
        }
        if kind == to_parent::READING {
            let (reader, stream) = (self.task(reader.u64()?), reader.u64()?);
            let stream = self.link.nested.lock().get(&stream).cloned();
            if let (Some(reader), Some(stream)) = (reader, stream) {
                reading::begin(self.link.place().addr(), number, reader, stream);
            }
            return Ok(());
        }
        let task = self.task(number);
        let Some((task, _)) = task.as_ref().and_then(yielding::of) else { return Ok(()) };
        if kind == to_parent::GO_ON {
            self.entry.pool.go_on(task);
            return Ok(());
        }
        // What was sent ahead would wait for the end of the stream.
        self.bring_back();
        self.entry.pool.stand_still(task);
        Ok(())
    }
}

impl Parent {
    /// Has the pool's process told of the room that the reader of a stream makes here.
    pub(crate) fn forward_room(&'static self, task: &JsTask) {
        if let Some(stream) = &task.owner().stream {
            let number = task.id();
            stream.forward(Arc::new(move |allowed| {
                self.tell(to_parent::ROOM, |writer| write_room(writer, number, allowed));
            }));
        }
    }

    /// A task of this child waits for the next value of a stream of its executor.
    pub(crate) fn tell_of_reading(&self, number: u64, reader: &JsTask, stream: &JsTask) {
        if let Destination::Elsewhere(there) = &reader.owner().destination {
            self.tell(to_parent::READING, |writer| {
                [number, there.id(reader), stream.id()].into_iter().for_each(|part| writer.u64(part));
            });
        }
    }

    /// A message about a stream that this child makes, or reads.
    pub(super) fn take_of_stream(&self, kind: u8, reader: &mut Reader<'_>) -> Result<(), Malformed> {
        let number = reader.u64()?;
        match kind {
            to_child::ROOM => {
                let allowed = reader.u64()?;
                let task = self.outbox.tasks.lock().get(&number).cloned();
                if let Some((_, stream)) = task.as_ref().and_then(yielding::of) {
                    stream.allow(allowed);
                }
            }
            to_child::HELD => {
                let task = self.mirrored.lock().get(&number).cloned();
                if let Some((task, stream)) = task.as_ref().and_then(yielding::of) {
                    stream.set_held_away(true);
                    self.held_away.lock().insert(number, task.clone());
                }
            }
            _ => {
                let task = self.held_away.lock().remove(&number);
                if let Some((task, stream)) = task.as_ref().and_then(yielding::of) {
                    stream.set_held_away(false);
                    <crate::tasks::task::JsWork as pool::Work>::let_go(task);
                }
            }
        }
        Ok(())
    }
}
