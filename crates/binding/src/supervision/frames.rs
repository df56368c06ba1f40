//! The stack of a running isolate: what it says about where a stop may land, and its text for the user.

use napi::sys;

use crate::engine::interrupts::{self, Frame};
use crate::engine::v8::Isolate;
use crate::js;

/// The innermost frames. On the isolate's thread, in an interrupt; `env` is that isolate's.
pub(crate) fn read(env: sys::napi_env, isolate: *mut Isolate, most: i32) -> Vec<Frame> {
    let Some(interrupts) = interrupts::interrupts() else { return Vec::new() };
    // SAFETY: on the isolate's thread, in the scope that `scoped` opens; `env` is this isolate's.
    js::scoped(env, || unsafe { interrupts.frames(env, isolate, most) })
}

/// Whether a frame is of the JavaScript that Node itself is made of.
pub(crate) fn is_nodes(frame: &Frame) -> bool {
    frame.script.starts_with("node:")
}

/// Whether a frame is of the loading of modules: an interrupted `require` leaves half a module for ever.
pub(crate) fn loads_modules(frame: &Frame) -> bool {
    frame.script.starts_with("node:internal/modules/")
}

/// Node's own modules that keep nothing of their own from one call to the next: what they change belongs to
/// the caller, such as a URL, a stream or an emitter. Not here, for example, are timers, ticks, async
/// hooks, errors (they set `Error.stackTraceLimit` for a moment) and modules.
const STATELESS: [&str; 14] = [
    "node:internal/url",
    "node:url",
    "node:path",
    "node:querystring",
    "node:internal/querystring",
    "node:internal/util/inspect",
    "node:buffer",
    "node:internal/buffer",
    "node:string_decoder",
    "node:events",
    "node:fs",
    "node:internal/fs/utils",
    // The context that they set is dropped after a hit.
    "node:internal/async_context_frame",
    "node:internal/async_local_storage/async_context_frame",
];

const STREAMS: &str = "node:internal/streams/";

/// The part of streams that could run for one that is Node's: the standard output of the thread. One that
/// is cut off while it writes never writes again.
fn writes(frame: &Frame) -> bool {
    ["write", "Write"].iter().any(|name| frame.function.contains(name))
}

fn is_stateless(frame: &Frame) -> bool {
    STATELESS.contains(&frame.script.as_str()) || (frame.script.starts_with(STREAMS) && !writes(frame))
}

/// The function of lib/worker that calls tasks.
pub(crate) struct Caller {
    function: String,
    script: String,
}

impl Caller {
    pub(crate) fn new(function: String, script: String) -> Self {
        Caller { function, script }
    }

    fn is_at(&self, frame: &Frame) -> bool {
        frame.function == self.function && frame.script == self.script
    }

    /// Whether a frame is of this package, all of whose files are in the folder above the caller's.
    fn is_ours(&self, frame: &Frame) -> bool {
        // The script is named by a path, which has the separators of the platform.
        let separators = ['/', '\\'];
        let package = self.script.rsplitn(3, separators).nth(2).unwrap_or(&self.script);
        frame.script.strip_prefix(package).is_some_and(|file| file.starts_with(separators))
    }

    /// Whether a frame is a user's, and not Node's, such as that by which the event loop calls, or of this
    /// package.
    pub(crate) fn is_users(&self, frame: &Frame) -> bool {
        !is_nodes(frame) && !self.is_ours(frame)
    }

    /// Whether any of this is a user's.
    pub(crate) fn sees_users(&self, frames: &[Frame]) -> bool {
        frames.iter().any(|frame| self.is_users(frame))
    }

    /// Whether all that runs, up to the innermost frame of the user's, is of modules of Node that keep
    /// nothing, or of this package, which lib/worker/recovery.ts puts right.
    pub(crate) fn keeps_nothing(&self, frames: &[Frame]) -> bool {
        let users = frames.iter().position(|frame| self.is_users(frame));
        if users.is_none() && !frames.iter().any(|frame| self.is_ours(frame)) {
            return false;
        }
        let above = &frames[..users.unwrap_or(frames.len())];
        above.iter().all(|frame| is_stateless(frame) || self.is_ours(frame))
    }
}

/// Frames as the lines of a stack, up to the innermost `caller` and without what it calls the task by, of
/// Node and of this package.
pub(crate) fn describe(frames: &[Frame], caller: &Caller) -> String {
    let mut users = &frames[..frames.iter().position(|frame| caller.is_at(frame)).unwrap_or(frames.len())];
    while let Some((last, above)) = users.split_last()
        && users.len() < frames.len()
        && !caller.is_users(last)
    {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn stack(frames: &[(&str, &str)]) -> Vec<Frame> {
        let frame = |&(function, script): &(&str, &str)| Frame {
            function: function.into(),
            script: script.into(),
            line: 1,
            column: 1,
        };
        frames.iter().map(frame).collect()
    }

    #[test]
    fn stacks_end_where_tasks_are_called() {
        let caller = Caller::new("dispatch".into(), "file:///ours.js".into());
        let inner = ("inner", "file:///work.mjs");
        let called = [inner, ("outer", ""), ("run", "node:async_hooks"), ("dispatch", "file:///ours.js")];
        let expected = "    at inner (file:///work.mjs:1:1)\n    at outer (<anonymous>:1:1)";
        assert_eq!(describe(&stack(&called), &caller), expected);
        assert_eq!(describe(&stack(&called[..2]), &caller), expected);
        let scoped = [inner, ("callInContext", "file:///lib/ours.js"), ("dispatch", "file:///lib/a/ours.js")];
        let nested = Caller::new("dispatch".into(), "file:///lib/a/ours.js".into());
        assert_eq!(describe(&stack(&scoped), &nested), "    at inner (file:///work.mjs:1:1)");
        let namesake = [inner, ("dispatch", "file:///theirs.js"), ("other", "file:///ours.js")];
        assert_eq!(describe(&stack(&namesake), &caller).lines().count(), 3);
    }

    #[test]
    fn what_runs_by_itself_of_node_and_of_the_package_is_nobodys() {
        let caller = Caller::new("dispatch".into(), "file:///package/dist/worker/main.js".into());
        let ours =
            [("abort", "file:///package/dist/worker/main.js"), ("open", "file:///package/dist/shared.js")];
        let node = ("processTicksAndRejections", "node:internal/process/task_queues");
        assert!(!caller.sees_users(&stack(&[ours[0], ours[1], node])));
        assert!(!caller.sees_users(&[]));
        for users in ["file:///package/distance.js", "file:///package/work.js", ""] {
            assert!(caller.sees_users(&stack(&[ours[0], ("f", users), node])));
        }
    }

    #[test]
    fn a_stop_may_land_in_code_that_changes_only_what_is_the_callers() {
        let caller = Caller::new("dispatch".into(), "file:///package/dist/worker/main.js".into());
        let ours =
            [("pack", "file:///package/dist/shared.js"), ("dispatch", "file:///package/dist/worker/main.js")];
        assert!(caller.keeps_nothing(&stack(&[ours[0], ("work", "file:///work.mjs"), ours[1]])));
        assert!(caller.keeps_nothing(&stack(&ours)));
        assert!(!caller.keeps_nothing(&stack(&[("insert", "node:internal/timers"), ours[0], ours[1]])));
        let user = ("work", "file:///work.mjs");
        assert!(caller.keeps_nothing(&stack(&[("URL", "node:internal/url"), user])));
        assert!(caller.keeps_nothing(&stack(&[
            ("emit", "node:events"),
            ("Writable.end", "node:internal/streams/writable"),
            user
        ])));
        assert!(!caller.keeps_nothing(&stack(&[
            ("emit", "node:events"),
            ("insert", "node:internal/timers"),
            user
        ])));
        assert!(!caller.keeps_nothing(&stack(&[("nextTick", "node:internal/process/task_queues"), user])));
        assert!(!caller.keeps_nothing(&stack(&[("Writable.write", "node:internal/streams/writable"), user])));
        // A callback of the user's under Node's code is what runs; one above it is not looked at.
        assert!(caller.keeps_nothing(&stack(&[
            ("URL", "node:internal/url"),
            user,
            ("listOnTimeout", "node:internal/timers")
        ])));
        assert!(!caller.keeps_nothing(&stack(&[("URL", "node:internal/url")])));
        assert!(!caller.keeps_nothing(&[]));
    }
}
