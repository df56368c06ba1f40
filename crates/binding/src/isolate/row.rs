//! What a row of the header says: how a task has come out, or what has happened to a pool.
//!
//! A row has a kind, a number, and perhaps a value. The kind has what has happened in its lowest 8 bits,
//! the form of the value in the next 8, and above them the bits of a failure.

use std::sync::Arc;

use napi::sys;
use pool::{Failure, Kind, Outcome, TimeLimit};

use crate::js::{self, Env, Fault, shared_enum, shared_numbers};
use crate::process::message::NATIVE;
use crate::tasks::pool_event::PoolEvent;
use crate::tasks::task::{Exit, JsTask, JsWork};
use crate::values::failure;
use crate::values::value::{FORM_AS_IS, Packed, Value};
use crate::values::writing;

shared_enum! {
    /// What has happened.
    pub(crate) enum RowKind = "ROW": i32 {
        /// The task has not settled.
        Unsettled = -1,
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
        /// What happened to a pool; the event is where the form would be.
        Pool = 12,
        /// `totalTimeout` is over; Expired and TimedOut are queueTimeout and timeout.
        OutOfTime = 13,
        /// A stream has settled, and no worker holds it any more. In place of the slot the number that the
        /// reader has given it.
        LetGo = 14,
    }
}

shared_numbers! {
    pub(crate) KIND_BITS = "ROW": i32 {
        /// The bits of the kind that say what has happened.
        KIND_MASK = 0xff,
        /// Where in the kind the form of the value is, or the event of a pool, and how wide it is.
        FORM_SHIFT = 8,
        FORM_MASK = 0xff,
        /// In the kind of a failure: there is a cause, whatever its value;
        HAS_CAUSE = 1 << 16,
        /// the function is a native task;
        IS_NATIVE = 1 << 17,
        /// the lower 32 bits of the number are the exit code of the worker,
        HAS_EXIT_CODE = 1 << 18,
        /// or the number of the worker, whose exit code only its owner will know.
        HAS_WORKER = 1 << 19,
        /// In the kind of a failure: the task has never begun.
        HAS_NOT_BEGUN = 1 << 20,
        /// In the kind of a lost task: the lower 32 bits of the number are the signal that has ended the
        /// process of the worker.
        HAS_SIGNAL = 1 << 21,
    }
}

shared_numbers! {
    pub(crate) UNITS = "ROW": f64 {
        /// In the number of a failure, the number of the function is above 32 bits for an exit.
        FUNCTION_UNIT = 4_294_967_296.0,
    }
}

/// From this number on a function has no name in a row, so that the number beside an exit code is exact.
const MOST_FUNCTIONS: u32 = 1 << 20;

/// One row, but for the slot.
pub(crate) struct Row {
    pub(crate) kind: i32,
    pub(crate) number: f64,
    pub(crate) value: Option<sys::napi_value>,
}

impl Row {
    fn plain(kind: RowKind) -> Row {
        Row { kind: kind as i32, number: 0.0, value: None }
    }

    pub(crate) fn unsettled() -> Row {
        Row::plain(RowKind::Unsettled)
    }

    /// Progress that a task has reported, as a flat array of forms and values.
    pub(crate) fn of_progress(list: sys::napi_value) -> Row {
        Row { value: Some(list), ..Row::plain(RowKind::Progress) }
    }

    pub(crate) fn of_let_go() -> Row {
        Row::plain(RowKind::LetGo)
    }

    pub(crate) fn of_pool(event: PoolEvent, number: f64) -> Row {
        Row { kind: RowKind::Pool as i32 | (event as i32) << FORM_SHIFT, number, value: None }
    }

    /// An outcome. One that this isolate has no room for becomes a failure that says so.
    pub(crate) fn of_outcome(
        env: Env,
        task: &JsTask,
        outcome: Option<Outcome<JsWork>>,
    ) -> Result<Row, Fault> {
        write_outcome(env, task, outcome).or_else(|fault| {
            let error = failure::unmade(env, fault, "the outcome");
            write_failure(env, task, Failure::Threw(error))
        })
    }
}

fn write_outcome(env: Env, task: &JsTask, outcome: Option<Outcome<JsWork>>) -> Result<Row, Fault> {
    match outcome {
        None => Ok(Row::plain(RowKind::Collected)),
        Some(Ok(Packed { value: Value::Number(number), form: FORM_AS_IS })) => {
            Ok(Row { kind: RowKind::Number as i32, number, value: None })
        }
        Some(Ok(Packed { value: Value::Undefined, form: FORM_AS_IS })) => Ok(Row::plain(RowKind::Undefined)),
        Some(Ok(packed)) => {
            let (form, value) = writing::write_packed(env, &packed)?;
            let kind = RowKind::Value as i32 | i32::from(form) << FORM_SHIFT;
            Ok(Row { kind, number: 0.0, value: Some(value) })
        }
        Some(Err(failure)) => write_failure(env, task, failure),
    }
}

fn write_failure(env: Env, task: &JsTask, failure: Failure<JsWork>) -> Result<Row, Fault> {
    let (bits, function) = function_of(task);
    let with = |kind: i32, number: f64, cause: Option<Arc<Packed>>| {
        let Some(cause) = cause else { return Ok(Row { kind, number, value: None }) };
        let (form, value) = writing::write_packed(env, &cause)?;
        Ok(Row { kind: kind | i32::from(form) << FORM_SHIFT | HAS_CAUSE, number, value: Some(value) })
    };
    match failure {
        Failure::Threw(error) => with(RowKind::Error as i32, 0.0, Some(error)),
        Failure::Panicked(message) => {
            Ok(Row { value: Some(js::string(env, &message)?), ..Row::plain(RowKind::Panicked) })
        }
        Failure::Cancelled => Ok(Row::plain(RowKind::Cancelled)),
        Failure::TimedOut { limit, trace } => {
            let kind = match limit {
                TimeLimit::Queue => RowKind::Expired,
                TimeLimit::Run => RowKind::TimedOut,
                TimeLimit::Total => RowKind::OutOfTime,
            };
            let value = trace.map(|text| js::string(env, &text)).transpose()?;
            Ok(Row { kind: kind as i32 | bits, number: function, value })
        }
        Failure::Lost { exit, cause } => {
            let (bit, number) = match exit {
                Some(Exit::Code(code)) => (HAS_EXIT_CODE, code.cast_unsigned()),
                Some(Exit::Signal(signal)) => (HAS_SIGNAL, signal.cast_unsigned()),
                Some(Exit::OfWorker(number)) => (HAS_WORKER, number),
                None => (0, 0),
            };
            with(RowKind::Lost as i32 | bits | bit, function + f64::from(number), cause)
        }
        Failure::Broken { cause } => with(RowKind::Broken as i32 | bits, function, cause),
    }
}

/// The task and its function, for messages: their bits of the kind, and the number of the function, above 32
/// bits for an exit code.
fn function_of(task: &JsTask) -> (i32, f64) {
    let (needs, in_child) = (task.needs() & !NATIVE, task.needs() & NATIVE != 0);
    let number = Some(needs).filter(|number| *number < MOST_FUNCTIONS).unwrap_or(0);
    let native = if task.kind() == Kind::Native || in_child { IS_NATIVE } else { 0 };
    let bits = if task.started().is_none() { native | HAS_NOT_BEGUN } else { native };
    (bits, f64::from(number) * FUNCTION_UNIT)
}
