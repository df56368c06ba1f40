//! A stretch of a stream: from where it stood still, or waited, to where it does so again. It is run in the
//! guard as its task, so that a stop finds it there, by `proceed` of lib/worker.

use std::sync::Arc;

use pool::Outcome;

use crate::isolate::run;
use crate::isolate::state::IsolateState;
use crate::js;
use crate::process::message::to_parent;
use crate::process::parent;
use crate::tasks::task::{JsTask, JsWork};
use crate::tasks::yielding;
use crate::worker::worker::WorkerSide;

/// Runs a stretch on the stack of the trampoline. `None` if the stream goes on later.
pub(crate) fn run(state: &IsolateState, side: &WorkerSide, task: &Arc<JsTask>) -> Option<Outcome<JsWork>> {
    let env = state.env;
    let token = side.held.token_of(task)?;
    side.handle.pulse.answer();
    go_on(side, task);
    side.begin_stretch();
    side.calling.set(token);
    side.guard.enter_to_end(task);
    let proceed = js::deref(env, side.callbacks.proceed);
    let called = proceed.and_then(|proceed| js::call(env, proceed, &[js::double(env, token)?])).map(Some);
    run::leave(state, side, token, called, true).1
}

/// It runs from now on, as far as the pool is concerned, if it stood still.
fn go_on(side: &WorkerSide, task: &Arc<JsTask>) {
    if yielding::go_on(task) {
        side.handle.entry.pool.go_on(task);
        if let Some(parent) = parent::of_local(&side.handle.entry) {
            parent.tell_of_stream(to_parent::GO_ON, task);
        }
    }
}
