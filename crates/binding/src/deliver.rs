//! From a settled task to the isolate that submitted it: a row in the shared header for each, one call of
//! `deliver(count, values)` for a batch.

use std::sync::Arc;

use napi::sys;
use pool::{Failure, Outcome};

use crate::isolate::{BATCH, IsolateState};
use crate::js::{self, Env, Fault};
use crate::mailbox::Note;
use crate::value::{Packed, Value};
use crate::work::{JsTask, JsWork};
use crate::writing;

/// What a row says. Shared with TypeScript (lib/binding.ts); the form of its value is in bits 8 to 15.
#[derive(Clone, Copy)]
#[repr(i32)]
enum Row {
    /// The outcome was collected before.
    Collected = 0,
    /// A number, in the row itself.
    Number = 1,
    Value = 2,
    Error = 3,
    Panicked = 4,
    Cancelled = 5,
    Expired = 6,
    TimedOut = 7,
    Lost = 8,
    Broken = 9,
    Undefined = 10,
    /// The value is a flat array of forms and values.
    Progress = 11,
    /// What happened to a pool; the event is in bits 8 to 15.
    Pool = 12,
}

/// Takes what was posted. From now on a post rings again.
pub(crate) fn collect_notes(state: &IsolateState) {
    state.mailbox.listen();
    let mut notes: Vec<Note> = state.mailbox.take_services();
    let mut pending = state.pending.borrow_mut();
    pending.extend(notes.drain(..));
    state.mailbox.take(&mut notes);
    pending.extend(notes);
}

/// Delivers up to a batch of the pending notes.
pub(crate) fn deliver(state: &IsolateState) {
    let mut batch = Batch { state, values: None, rows: 0, bytes: 0 };
    if batch.fill().is_ok() && batch.rows > 0 && batch.send().is_ok() {
        return;
    }
    if let Some(error) = js::take_exception(state.env) {
        // SAFETY: a live value of this isolate.
        unsafe { sys::napi_fatal_exception(state.env, error) };
    }
}

/// A batch ends when so much is in its heap values: values that wait together for their delivery are all alive, and the
/// garbage collector copies what is alive.
const MUCH: usize = 1 << 16;

struct Batch<'a> {
    state: &'a IsolateState,
    /// The values of the rows that have any; made when first needed.
    values: Option<sys::napi_value>,
    rows: usize,
    /// What its values weigh.
    bytes: usize,
}

impl Batch<'_> {
    fn fill(&mut self) -> Result<(), Fault> {
        // A note makes two rows at most.
        while self.rows + 2 <= BATCH && self.bytes < MUCH {
            let next = self.state.pending.borrow_mut().pop_front();
            match next {
                None => break,
                Some(Note::Progress(task)) => self.add_progress(&task)?,
                Some(Note::Settled(task)) => self.add_settled(&task)?,
                Some(Note::Pool { event, pool, number }) => {
                    let kind = Row::Pool as i32 | (event as i32) << 8;
                    self.push(pool, kind, number, None)?;
                }
            }
        }
        Ok(())
    }

    fn add_progress(&mut self, task: &Arc<JsTask>) -> Result<(), Fault> {
        let slot = task.owner().slot;
        if !self.state.slab.borrow().holds(slot, task) {
            return Ok(());
        }
        if let Some(list) = progress(self.state.env, task)? {
            self.push(slot, Row::Progress as i32, 0.0, Some(list))?;
        }
        Ok(())
    }

    fn add_settled(&mut self, task: &Arc<JsTask>) -> Result<(), Fault> {
        let slot = task.owner().slot;
        if !self.state.slab.borrow().holds(slot, task) {
            return Ok(());
        }
        self.add_progress(task)?;
        let outcome = task.take_outcome();
        if let Some(Ok(packed)) = &outcome {
            self.bytes += packed.value.weight();
        }
        let (kind, number, value) = write_outcome(self.state.env, outcome)?;
        self.push(slot, kind, number, value)?;
        // TypeScript takes the future of every row out of its table before it runs any code of the user,
        // so the slot can be used again from now on.
        self.state.slab.borrow_mut().release(slot);
        self.state.hold(false);
        Ok(())
    }

    fn push(
        &mut self,
        slot: u32,
        kind: i32,
        number: f64,
        value: Option<sys::napi_value>,
    ) -> Result<(), Fault> {
        self.state.header.set_row(self.rows, slot, kind, number);
        if let Some(value) = value {
            let values = match self.values {
                Some(values) => values,
                None => *self.values.insert(js::array(self.state.env)?),
            };
            js::set_element(self.state.env, values, self.rows as u32, value)?;
        }
        self.rows += 1;
        Ok(())
    }

    fn send(self) -> Result<(), Fault> {
        let env = self.state.env;
        let deliver = js::deref(env, self.state.callbacks.deliver)?;
        let values = self.values.map_or_else(|| js::undefined(env), Ok)?;
        js::call(env, deliver, &[js::int(env, self.rows as i32)?, values]).map(drop)
    }
}

/// The progress that was not delivered yet, as a flat array of forms and values.
pub(crate) fn progress(env: Env, task: &Arc<JsTask>) -> Result<Option<sys::napi_value>, Fault> {
    if !task.owner().has_progress.load(std::sync::atomic::Ordering::Acquire) {
        return Ok(None);
    }
    let Some(waiting) = task.owner().progress.lock().take() else { return Ok(None) };
    let list = js::array(env)?;
    for (index, packed) in waiting.into_iter().enumerate() {
        let at = (2 * index) as u32;
        let (form, value) = writing::write_packed(env, &packed)?;
        js::set_element(env, list, at, js::int(env, i32::from(form))?)?;
        js::set_element(env, list, at + 1, value)?;
    }
    Ok(Some(list))
}

type RowParts = (i32, f64, Option<sys::napi_value>);

/// An outcome as the parts of a row.
pub(crate) fn write_outcome(env: Env, outcome: Option<Outcome<JsWork>>) -> Result<RowParts, Fault> {
    let plain = |row: Row| Ok((row as i32, 0.0, None));
    match outcome {
        None => plain(Row::Collected),
        Some(Ok(Packed { value: Value::Number(number), form: 0 })) => Ok((Row::Number as i32, number, None)),
        Some(Ok(Packed { value: Value::Undefined, form: 0 })) => plain(Row::Undefined),
        Some(Ok(packed)) => {
            let (form, value) = writing::write_packed(env, &packed)?;
            Ok((Row::Value as i32 | i32::from(form) << 8, 0.0, Some(value)))
        }
        Some(Err(failure)) => write_failure(env, failure),
    }
}

fn write_failure(env: Env, failure: Failure<JsWork>) -> Result<RowParts, Fault> {
    let with = |row: Row, number: f64, cause: Option<Arc<Packed>>| {
        let Some(cause) = cause else { return Ok((row as i32, number, None)) };
        let (form, value) = writing::write_packed(env, &cause)?;
        // Bit 16: there is a cause, whatever its value.
        Ok((row as i32 | i32::from(form) << 8 | 1 << 16, number, Some(value)))
    };
    match failure {
        Failure::Threw(error) => with(Row::Error, 0.0, Some(error)),
        Failure::Panicked(message) => Ok((Row::Panicked as i32, 0.0, Some(js::string(env, &message)?))),
        Failure::Cancelled => Ok((Row::Cancelled as i32, 0.0, None)),
        Failure::Expired => Ok((Row::Expired as i32, 0.0, None)),
        Failure::TimedOut { trace } => {
            let trace = trace.map(|text| js::string(env, &text)).transpose()?;
            Ok((Row::TimedOut as i32, 0.0, trace))
        }
        Failure::Lost { exit_code, cause } => with(Row::Lost, exit_code.map_or(f64::NAN, f64::from), cause),
        Failure::Broken { cause } => with(Row::Broken, 0.0, cause),
    }
}
