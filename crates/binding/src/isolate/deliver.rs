//! From a settled task to the isolate that submitted it: a row in the shared header for each, one call of
//! `deliver(count, values)` for a batch.

use std::sync::Arc;

use napi::sys;
use pool::{Failure, Kind, Outcome};

use crate::isolate::header::BATCH_ROWS;
use crate::isolate::state::IsolateState;
use crate::js::{self, Env, Fault};
use crate::tasks::task::{JsTask, JsWork, Note};
use crate::values::failure;
use crate::values::value::{FORM_AS_IS, Packed, Value};
use crate::values::writing;

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
    // The rows that are there have let go of their slots: they are sent whatever becomes of the next one.
    let filled = batch.fill();
    let sent = if batch.rows > 0 { batch.send() } else { Ok(()) };
    if filled.is_ok() && sent.is_ok() {
        return;
    }
    if let Some(error) = js::take_exception(state.env) {
        // SAFETY: a live value of this isolate.
        unsafe { sys::napi_fatal_exception(state.env, error) };
    }
}

/// A batch ends when so much is in its heap values: values that wait together for their delivery are all alive, and the
/// garbage collector copies what is alive.
const BATCH_WEIGHT: usize = 1 << 16;

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
        while self.rows + 2 <= BATCH_ROWS && self.bytes < BATCH_WEIGHT {
            let next = self.state.pending.borrow_mut().pop_front();
            match next {
                None => break,
                Some(Note::Progress(task)) => {
                    if !self.add_progress(&task)? {
                        self.put_back(Note::Progress(task));
                    }
                }
                Some(Note::Settled(task)) => {
                    if !self.add_settled(&task)? {
                        self.put_back(Note::Settled(task));
                    }
                }
                Some(Note::Pool { event, pool, number }) => {
                    let kind = Row::Pool as i32 | (event as i32) << 8;
                    self.push(pool, kind, number, None)?;
                }
            }
        }
        Ok(())
    }

    /// For the next batch, which comes in the next turn of the loop.
    fn put_back(&mut self, note: Note) {
        self.state.pending.borrow_mut().push_front(note);
        self.bytes = BATCH_WEIGHT;
    }

    /// Adds what the task has reported. False if that is not all of it.
    fn add_progress(&mut self, task: &Arc<JsTask>) -> Result<bool, Fault> {
        let slot = task.owner().slot;
        if !self.state.slab.borrow().holds(slot, task) {
            return Ok(true);
        }
        let Some((waiting, is_all)) = take_progress(task, BATCH_PROGRESS) else { return Ok(true) };
        self.bytes += waiting.iter().map(|packed| packed.value.weight()).sum::<usize>();
        let list = write_progress(self.state.env, waiting)?;
        self.push(slot, Row::Progress as i32, 0.0, Some(list))?;
        Ok(is_all)
    }

    /// Adds the outcome. False if the progress before it fills the batch.
    fn add_settled(&mut self, task: &Arc<JsTask>) -> Result<bool, Fault> {
        let slot = task.owner().slot;
        if !self.state.slab.borrow().holds(slot, task) {
            return Ok(true);
        }
        if !self.add_progress(task)? {
            return Ok(false);
        }
        let outcome = task.take_outcome();
        if let Some(Ok(packed)) = &outcome {
            self.bytes += packed.value.weight();
        }
        let (kind, number, value) = write_outcome(self.state.env, task, outcome)?;
        self.push(slot, kind, number, value)?;
        // TypeScript takes the future of every row out of its table before it runs any code of the user,
        // so the slot can be used again from now on.
        self.state.slab.borrow_mut().release(slot);
        self.state.keep_loop_alive(false);
        Ok(true)
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

/// So many values of progress at once are a batch.
const BATCH_PROGRESS: usize = 1024;

/// The progress that was not delivered yet, as a flat array of forms and values.
pub(crate) fn progress(env: Env, task: &Arc<JsTask>) -> Result<Option<sys::napi_value>, Fault> {
    take_progress(task, usize::MAX).map(|(waiting, _)| write_progress(env, waiting)).transpose()
}

/// The first `most` values of the progress that was not delivered yet, and whether these are all.
fn take_progress(task: &Arc<JsTask>, most: usize) -> Option<(Vec<Packed>, bool)> {
    if !task.owner().has_progress.load(std::sync::atomic::Ordering::Acquire) {
        return None;
    }
    let mut progress = task.owner().progress.lock();
    let waiting = progress.as_mut()?;
    if waiting.len() <= most {
        return progress.take().map(|all| (*all, true));
    }
    let rest = waiting.split_off(most);
    Some((std::mem::replace(waiting, rest), false))
}

fn write_progress(env: Env, waiting: Vec<Packed>) -> Result<sys::napi_value, Fault> {
    let list = js::array(env)?;
    let mut at = 0;
    for packed in waiting {
        let Ok((form, value)) = writing::write_packed(env, &packed) else {
            // No memory for it. The future is to settle all the same.
            let _ = js::take_exception(env);
            continue;
        };
        js::set_element(env, list, at, js::int(env, i32::from(form))?)?;
        js::set_element(env, list, at + 1, value)?;
        at += 2;
    }
    Ok(list)
}

type RowParts = (i32, f64, Option<sys::napi_value>);

/// An outcome as the parts of a row. One that this isolate has no room for becomes a failure that says so.
pub(crate) fn write_outcome(
    env: Env,
    task: &JsTask,
    outcome: Option<Outcome<JsWork>>,
) -> Result<RowParts, Fault> {
    try_write(env, task, outcome).or_else(|fault| {
        let error = failure::unmade(env, fault, "the outcome");
        write_failure(env, task, Failure::Threw(error))
    })
}

fn try_write(env: Env, task: &JsTask, outcome: Option<Outcome<JsWork>>) -> Result<RowParts, Fault> {
    let plain = |row: Row| Ok((row as i32, 0.0, None));
    match outcome {
        None => plain(Row::Collected),
        Some(Ok(Packed { value: Value::Number(number), form: FORM_AS_IS })) => {
            Ok((Row::Number as i32, number, None))
        }
        Some(Ok(Packed { value: Value::Undefined, form: FORM_AS_IS })) => plain(Row::Undefined),
        Some(Ok(packed)) => {
            let (form, value) = writing::write_packed(env, &packed)?;
            Ok((Row::Value as i32 | i32::from(form) << 8, 0.0, Some(value)))
        }
        Some(Err(failure)) => write_failure(env, task, failure),
    }
}

/// In the kind of a failure: there is a cause, whatever its value; the function is a native task; there is an exit code.
const HAS_CAUSE: i32 = 1 << 16;
const IS_NATIVE: i32 = 1 << 17;
const HAS_EXITED: i32 = 1 << 18;

/// From this number on a function has no name in a row, so that the number beside an exit code is exact.
const MOST_FUNCTIONS: u32 = 1 << 20;

/// The task's function, for messages: its bits of the kind, and its number, above 32 bits for an exit code.
fn function_of(task: &JsTask) -> (i32, f64) {
    let number = Some(task.needs()).filter(|number| *number < MOST_FUNCTIONS).unwrap_or(0);
    let bits = if task.kind() == Kind::Native { IS_NATIVE } else { 0 };
    (bits, f64::from(number) * f64::from(1 << 16) * f64::from(1 << 16))
}

fn write_failure(env: Env, task: &JsTask, failure: Failure<JsWork>) -> Result<RowParts, Fault> {
    let (bits, function) = function_of(task);
    let with = |kind: i32, number: f64, cause: Option<Arc<Packed>>| {
        let Some(cause) = cause else { return Ok((kind, number, None)) };
        let (form, value) = writing::write_packed(env, &cause)?;
        Ok((kind | i32::from(form) << 8 | HAS_CAUSE, number, Some(value)))
    };
    match failure {
        Failure::Threw(error) => with(Row::Error as i32, 0.0, Some(error)),
        Failure::Panicked(message) => Ok((Row::Panicked as i32, 0.0, Some(js::string(env, &message)?))),
        Failure::Cancelled => Ok((Row::Cancelled as i32, 0.0, None)),
        Failure::Expired => Ok((Row::Expired as i32 | bits, function, None)),
        Failure::TimedOut { trace } => {
            let trace = trace.map(|text| js::string(env, &text)).transpose()?;
            Ok((Row::TimedOut as i32 | bits, function, trace))
        }
        Failure::Lost { exit_code: Some(code), cause } => {
            let number = function + f64::from(code.cast_unsigned());
            with(Row::Lost as i32 | bits | HAS_EXITED, number, cause)
        }
        Failure::Lost { exit_code: None, cause } => with(Row::Lost as i32 | bits, function, cause),
        Failure::Broken { cause } => with(Row::Broken as i32 | bits, function, cause),
    }
}
