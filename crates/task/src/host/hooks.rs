//! The hooks that a running task has registered, and the one promise about them that plug-ins rely on for
//! their memory: once the task has returned, or has asked to forget them, none is running or will run.
//!
//! The host's `on_cancel` cannot be taken back, so what it gets is a closure around this state, which may
//! come too late and then does nothing. The mutex guards `State`; it is never held while a hook runs. `idle`
//! is notified when a firing ends.

use crate::abi;
use std::ffi::c_void;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

/// A function of the plug-in and its argument.
pub(super) struct Hook {
    pub(super) function: abi::Hook,
    pub(super) data: *mut c_void,
}

// SAFETY: by the ABI a hook is called by a thread other than the one that registered it, and whoever writes a
// plug-in chooses `data` accordingly. The pointer itself is never followed here.
unsafe impl Send for Hook {}

impl Hook {
    fn call(self) {
        // SAFETY: `Hooks` only holds hooks of a task that has neither returned nor asked to forget them, and
        // the plug-in keeps function and data valid until then: `forget` waits for this call.
        unsafe { (self.function)(self.data) }
    }
}

#[derive(Default)]
pub(super) struct Hooks {
    state: Mutex<State>,
    idle: Condvar,
}

#[derive(Default)]
struct State {
    waiting: Vec<Hook>,
    /// The cancellation has come.
    fired: bool,
    /// The thread that is calling hooks.
    firing: Option<ThreadId>,
}

impl Hooks {
    /// Called by the task's thread. After the cancellation it calls the hook itself.
    pub(super) fn add(&self, hook: Hook) {
        let mut state = self.lock();
        if state.fired {
            drop(state);
            hook.call();
        } else {
            state.waiting.push(hook);
        }
    }

    /// Called once, by whoever cancels the task.
    pub(super) fn fire(&self) {
        let mut state = self.lock();
        state.fired = true;
        state.firing = Some(thread::current().id());
        let hooks = std::mem::take(&mut state.waiting);
        drop(state);
        for hook in hooks {
            hook.call();
        }
        self.lock().firing = None;
        self.idle.notify_all();
    }

    /// Called by the task's thread when it asks for it and when it has returned.
    pub(super) fn forget(&self) {
        let mut state = self.lock();
        state.waiting.clear();
        // A hook that breaks the rules and calls this would wait for itself.
        while state.firing.is_some_and(|thread| thread != thread::current().id()) {
            state = self.idle.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// No panic can happen while the mutex is held, so what is poisoned is still sound.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
