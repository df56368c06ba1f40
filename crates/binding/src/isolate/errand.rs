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
    /// Have this task go on, which is a stream.
    Stretch { side: Rc<WorkerSide>, task: Arc<JsTask> },
    /// Run the tasks of the slice under way.
    Serve,
    /// Call this function with these.
    Call { function: sys::napi_ref, args: Vec<Value> },
    /// What `Run` or `Stretch` has come to: the outcome, or none if the task's promise is pending, the stream
    /// goes on later, or it was stopped.
    Ran(Option<Outcome<JsWork>>),
}

impl Errand {
    /// To run a task; nothing, where its work is none of an isolate's.
    pub(super) fn run(side: &Rc<WorkerSide>, task: &Arc<JsTask>, work: JsWork) -> Errand {
        match work {
            JsWork::Isolate(args) => Errand::Run { side: side.clone(), task: task.clone(), args },
            _ => Errand::Nothing,
        }
    }

    pub(super) fn stretch(side: &Rc<WorkerSide>, task: &Arc<JsTask>) -> Errand {
        Errand::Stretch { side: side.clone(), task: task.clone() }
    }
}
