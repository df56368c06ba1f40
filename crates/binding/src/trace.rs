//! Where an isolate is in its JavaScript: the frames of its stack, whose they are, and how they are shown.

use napi::sys;

use crate::engine::{self, Frame, Isolate};
use crate::js;

/// Whether a frame is of the JavaScript that Node itself is made of.
pub(crate) fn is_nodes(frame: Option<&Frame>) -> bool {
    frame.is_some_and(|frame| frame.script.starts_with("node:"))
}

/// The innermost frames, at most so many, of what the calling thread runs.
pub(crate) fn frames(env: sys::napi_env, isolate: *mut Isolate, most: i32) -> Vec<Frame> {
    let Some(interrupts) = engine::interrupts() else { return Vec::new() };
    // SAFETY: on the isolate's thread, in the scope that `scoped` opens; `env` is this isolate's.
    js::scoped(env, || unsafe { interrupts.frames(env, isolate, most) })
}

/// Frames as the lines of a stack, without our own and the scope in which we call the task.
pub(crate) fn describe(frames: &[Frame]) -> String {
    let is_ours = |frame: &Frame| {
        frame.script.ends_with("/worker/dispatch.js") || frame.script.ends_with("/worker/dispatch.ts")
    };
    let mut users = &frames[..frames.iter().position(is_ours).unwrap_or(frames.len())];
    while let Some((last, above)) =
        users.split_last().filter(|(last, _)| users.len() < frames.len() && last.script.starts_with("node:"))
    {
        let _ = last;
        users = above;
    }
    let line = |frame: &Frame| {
        let script = if frame.script.is_empty() { "<anonymous>" } else { &frame.script };
        let place = format!("{script}:{}:{}", frame.line, frame.column);
        if frame.function.is_empty() {
            format!("    at {place}")
        } else {
            format!("    at {} ({place})", frame.function)
        }
    };
    users.iter().map(line).collect::<Vec<_>>().join("\n")
}
