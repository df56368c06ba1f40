//! What an isolate's thread has to do in its next call into JavaScript; see `turn`.

use std::rc::Rc;
use std::sync::Arc;

use napi::sys;
use pool::Outcome;

use crate::tasks::task::{JsTask, JsWork};
use crate::values::value::{Args, Value};
use crate::worker::worker::WorkerSide;

/// What the trampoline is to do.
#[derive(Default)]
pub(crate) enum Errand {
    #[default]
    Nothing,
    /// Deliver a batch of completions.
    Deliver,
    /// Run this task.
    Run { side: Rc<WorkerSide>, task: Arc<JsTask>, args: Args },
    /// Run the tasks of the slice under way.
    Serve,
    /// Call this function with these.
    Call { function: sys::napi_ref, args: Vec<Value> },
    /// What `Run` has come to: the outcome, or none if the task's promise is pending or it was stopped.
    Ran(Option<Outcome<JsWork>>),
}
