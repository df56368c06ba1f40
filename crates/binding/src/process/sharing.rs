//! Shared values between a pool's process and a child: each is sent once, under the number of the process
//! that sends it, before the first task that names it. Whoever has got it keeps a copy, until it is told that
//! the value has gone.
//!
//! The child is sent what its tasks need (`child_link`). It sends what its own tasks share (`child_values`),
//! so that tasks which they submit to the pool can name it: the pool's process keeps that as long as the
//! child does, and counts it.

use std::collections::HashSet;
use std::sync::Arc;

use parking_lot::Mutex;
use process::{MAX_BODY, Part};

use crate::values::shared_use::SharedUse;
use crate::values::shared_value::{self, SentValues, SharedValue};
use crate::values::value::{self, Value};
use crate::values::wire::{Unsendable, Writer};
use crate::values::wire_parts;
use crate::values::wire_reader::{Malformed, Reader};

/// What the two sides of a channel have of each other's values.
#[derive(Default)]
pub(crate) struct Sharing {
    /// What was got, by the numbers of the other side.
    pub(crate) got: SentValues,
    /// The numbers of what was sent, and is still there.
    sent: Mutex<HashSet<u64>>,
}

impl Sharing {
    /// A value is about to be sent. False if it was.
    pub(super) fn begin(&self, number: u64) -> bool {
        self.sent.lock().insert(number)
    }

    /// The other side is to let it go. False if it does not have it.
    pub(super) fn end(&self, number: u64) -> bool {
        self.sent.lock().remove(&number)
    }

    /// The other side has sent a value: of which number, and whether there was memory for it. If not, tasks
    /// that name it fail.
    pub(super) fn take(&self, reader: &mut Reader<'_>) -> Result<(u64, bool), Malformed> {
        let (number, packed) = (reader.u64()?, reader.packed()?);
        let is_here = !matches!(packed.value, Value::Missing(_));
        self.got.keep(number, packed);
        Ok((number, is_here))
    }

    /// One of those is to go.
    pub(super) fn forget(&self, reader: &mut Reader<'_>) -> Result<(), Malformed> {
        self.got.forget(reader.u64()?);
        Ok(())
    }
}

/// Whether a value can be sent to another process.
pub(crate) fn can_leave(value: &SharedValue) -> bool {
    // The head of the message is some of the rest.
    !value::is_bound(&value.packed().value) && value.bytes() <= MAX_BODY / 2
}

/// Whether all of these can.
pub(super) fn can_all_leave(values: &[Arc<dyn SharedUse>]) -> bool {
    values.iter().all(|value| shared_value::find(value.number()).is_some_and(|value| can_leave(&value)))
}

/// The bytes of a value, where they lie: for many children at once no memory is needed.
struct InPlace(Arc<SharedValue>);

impl AsRef<[u8]> for InPlace {
    fn as_ref(&self) -> &[u8] {
        wire_parts::large_bytes(&self.0.packed().value).unwrap_or_default()
    }
}

/// The message that has a value.
pub(super) fn message(value: &Arc<SharedValue>) -> Result<Writer, Unsendable> {
    let mut writer = Writer::default();
    writer.u64(value.number());
    writer.packed_kept(value.packed(), || Part::Shared(Arc::new(InPlace(value.clone()))))?;
    Ok(writer)
}
