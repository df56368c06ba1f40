//! What a child is told first.

use std::sync::Arc;

use crate::values::value::Packed;
use crate::values::wire::{Unsendable, Writer};
use crate::values::wire_reader::{Malformed, Reader};

/// What a child is told of itself.
pub(crate) struct Hello {
    /// Of the executor.
    pub(crate) name: String,
    pub(crate) thread_name: String,
    pub(crate) tasks_per_worker: u32,
    pub(crate) grace_ms: f64,
    pub(crate) may_load_native: bool,
    pub(crate) may_start_children: bool,
    /// The text and the name of the initializer, and its arguments.
    pub(crate) initializer: Option<(Arc<str>, Arc<str>, Arc<Packed>)>,
    /// The shared values among those, each after its place, by the numbers of the pool's process.
    pub(crate) shared: Vec<(u32, u64)>,
}

impl Hello {
    pub(crate) fn write(&self, writer: &mut Writer) -> Result<(), Unsendable> {
        writer.str(&self.name);
        writer.str(&self.thread_name);
        writer.u32(self.tasks_per_worker);
        writer.f64(self.grace_ms);
        writer.bool(self.may_load_native);
        writer.bool(self.may_start_children);
        writer.bool(self.initializer.is_some());
        if let Some((text, name, args)) = &self.initializer {
            writer.str(text);
            writer.str(name);
            writer.packed_ref(args)?;
        }
        writer.u32(self.shared.len() as u32);
        for (place, number) in &self.shared {
            writer.u32(*place);
            writer.u64(*number);
        }
        Ok(())
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Hello, Malformed> {
        Ok(Hello {
            name: reader.str()?.into(),
            thread_name: reader.str()?.into(),
            tasks_per_worker: reader.u32()?,
            grace_ms: reader.f64()?,
            may_load_native: reader.bool()?,
            may_start_children: reader.bool()?,
            initializer: reader.option(|reader| {
                Ok((reader.str()?.into(), reader.str()?.into(), Arc::new(reader.packed()?)))
            })?,
            shared: (0..reader.u32()?)
                .map(|_| Ok((reader.u32()?, reader.u64()?)))
                .collect::<Result<_, _>>()?,
        })
    }
}
