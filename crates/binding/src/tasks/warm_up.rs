//! Futures that settle when so many workers of a pool are ready.

use std::sync::Arc;

use pool::{Kind, Refusal, Spec};

use crate::tasks::pools::PoolEntry;
use crate::tasks::task::{JsTask, JsWork, Ticket};
use crate::values::value::{FORM_AS_IS, Packed, Value};

/// A task that is no task: nothing is to be run.
pub(crate) fn spec(kind: Kind, owner: Ticket) -> Spec<JsWork> {
    Spec::new(kind, JsWork::Load, owner)
}

/// Has workers of the pool started until so many are ready; the future is the owner's.
pub(crate) fn begin(entry: &PoolEntry, owner: Ticket, workers: u32) -> Result<Arc<JsTask>, Refusal<JsWork>> {
    let nothing = Packed { form: FORM_AS_IS, value: Value::Undefined };
    entry.pool.warm_up(spec(entry.kind, owner), workers as usize, nothing)
}
