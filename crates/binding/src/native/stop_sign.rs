//! How a running task of a plug-in learns that it has ended otherwise than by its own return: it was
//! cancelled, or its time is over.
//!
//! `raise` runs on whatever thread settles the future. It first raises `ended`, which is the cancel flag
//! that the plug-in sees, and then looks whether a hook was left; a task that leaves a hook first says so
//! in `hooked` and then looks at `ended`. Both pairs are sequentially consistent, so at least one of the
//! two sees the other; who takes the hook out of `HOOKS` calls it. The code of a hook is the plug-in's, and
//! may not come back: `raise` calls it on a thread of its own, for the thread on which it runs has others
//! to care for.

use std::collections::HashMap;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use parking_lot::Mutex;

/// Kept by each task, in one place for as long as the task is there.
#[derive(Default)]
pub(crate) struct StopSign {
    // ORDERING: SeqCst where it is raised and where a hook's owner looks at it; plug-ins poll it as a hint.
    ended: AtomicU8,
    // ORDERING: SeqCst; see the head of this file.
    hooked: AtomicBool,
}

pub(crate) type Hook = Box<dyn FnOnce() + Send>;

/// The hooks of running tasks, by the address of the task's sign. In one place and not in each task: few
/// tasks have any.
static HOOKS: LazyLock<Mutex<HashMap<usize, Hook>>> = LazyLock::new(Mutex::default);

impl StopSign {
    /// The task has ended, and may still run.
    pub(crate) fn raise(&self) {
        self.ended.store(1, Ordering::SeqCst);
        if self.hooked.load(Ordering::SeqCst)
            && let Some(hook) = self.take_hook()
        {
            // If the system refuses the thread the task has its flag.
            let _ = std::thread::Builder::new().name("cf-hook".into()).spawn(hook);
        }
    }

    /// Not 0 once the task has ended.
    pub(crate) fn flag(&self) -> &AtomicU8 {
        &self.ended
    }

    /// Leaves a hook for the task's end; called at once if that has come.
    pub(crate) fn leave_hook(&self, hook: Hook) {
        HOOKS.lock().insert(self.key(), hook);
        self.hooked.store(true, Ordering::SeqCst);
        if self.ended.load(Ordering::SeqCst) != 0
            && let Some(hook) = self.take_hook()
        {
            hook();
        }
    }

    /// The task has returned: its hook is not called any more.
    pub(crate) fn drop_hook(&self) {
        if self.hooked.load(Ordering::SeqCst) {
            drop(self.take_hook());
        }
    }

    fn take_hook(&self) -> Option<Hook> {
        HOOKS.lock().remove(&self.key())
    }

    fn key(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}
