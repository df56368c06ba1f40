//! Values that many tasks need (lib/values/shared.ts).

use std::sync::Arc;

use crate::calls::call::{Answer, Call, nothing};
use crate::js::{self, Fault};
use crate::process::{parent, sharing};
use crate::values::reading;
use crate::values::shared_use::SharedUse;
use crate::values::shared_value::{self, SharedValue};
use crate::values::value::Packed;

/// The number of a value, which is none of a pool.
fn number(call: &Call<'_>, index: usize) -> Result<u64, Fault> {
    Ok(call.f64(index)? as u64)
}

/// `share(form, data)`: keeps what TypeScript has packed, until `releaseShared`; gives its number, which is
/// negative if the value cannot leave this process. What moves is detached.
pub(crate) fn share(call: &Call<'_>) -> Answer {
    let form = call.u32(0)? as u8;
    let value = reading::read_shared(call.env, &call.state.written, form, call.value(1)?)?;
    let shared = SharedValue::new(Packed { form, value });
    // The pool's process keeps it, too: for tasks that are submitted there.
    let (number, can_leave) = (shared.number(), sharing::can_leave(&shared));
    if let Some(parent) = parent::get().filter(|_| can_leave) {
        parent.share(&shared)?;
    }
    call.state.shareds.keep(shared);
    js::double(call.env, if can_leave { number as f64 } else { -(number as f64) })
}

/// `keepShared(number)`: keeps a value that is kept once more.
pub(crate) fn keep(call: &Call<'_>) -> Answer {
    call.state.shareds.keep(kept(call, number(call, 0)?)?);
    nothing(call)
}

/// `releaseShared(number)`: one use less.
pub(crate) fn release(call: &Call<'_>) -> Answer {
    call.state.shareds.release(number(call, 0)?);
    nothing(call)
}

/// `sharedBytes(number)`: how many bytes were written for a value that is kept.
pub(crate) fn bytes(call: &Call<'_>) -> Answer {
    js::double(call.env, kept(call, number(call, 0)?)?.bytes() as f64)
}

fn kept(call: &Call<'_>, number: u64) -> Result<Arc<SharedValue>, Fault> {
    call.state.shareds.find(number).ok_or_else(|| Fault::internal("no such shared value"))
}

/// `unpackBy(unpack)`: by this function the values are made that the tasks of this isolate need.
pub(crate) fn unpack_by(call: &Call<'_>) -> Answer {
    call.state.shareds.set_unpack(js::reference(call.env, call.value(0)?)?);
    nothing(call)
}

/// `openShared(number)`: a value that somebody in this process keeps, as this isolate has made it.
pub(crate) fn open(call: &Call<'_>) -> Answer {
    let gone = || Fault::internal("a shared value is not there any more");
    let value = shared_value::find(number(call, 0)?).ok_or_else(gone)?;
    call.state.shareds.value_of(call.env, &call.state.mailbox, &*value)
}
