//! How a worker's isolate is put right after a stop.

use std::sync::atomic::Ordering;

use napi::sys;

use crate::js::{self, Env};
use crate::process::message::to_parent;
use crate::process::parent;
use crate::supervision::replace::replace;
use crate::worker::worker::WorkerSide;

impl WorkerSide {
    /// A stop has hit: lib/worker restores what it skipped, on the stack of the trampoline, and the worker
    /// claims nothing until lib/worker has found the isolate healthy.
    pub(crate) fn recover(&self, env: Env, token: f64) {
        self.claiming.set(false);
        self.set_recovering(true);
        if self.callbacks.recover(env, token, self.guard.is_unharmed()).is_err() {
            let _ = js::take_exception(env);
            replace(&self.handle);
        }
    }

    /// Whether what has ended a callback is what V8 makes of a stop that has hit a task in it: `null`. Native
    /// code of Node under the task may have held it up, so that it cuts off the ticks after the task instead.
    /// It is taken back; the ticks run after the next callback.
    pub(crate) fn takes_back(&self, env: Env, error: sys::napi_value) -> bool {
        let is_recovering = self.handle.is_recovering.load(Ordering::Relaxed);
        let is_stop = is_recovering && matches!(js::type_of(env, error), Ok(sys::ValueType::napi_null));
        if is_stop {
            self.guard.take_back();
        }
        is_stop
    }

    /// The isolate was found healthy after a stop.
    pub(crate) fn recovered(&self) {
        self.claiming.set(true);
        self.set_recovering(false);
    }

    fn set_recovering(&self, is_recovering: bool) {
        self.handle.is_recovering.store(is_recovering, Ordering::Relaxed);
        if let Some(parent) = parent::of_local(&self.handle.entry) {
            parent.tell(if is_recovering { to_parent::RECOVERING } else { to_parent::RECOVERED }, |_| {});
        }
    }

    /// Whether the isolate can still run JavaScript. Once it cannot, the worker claims nothing more.
    pub(crate) fn is_alive(&self, env: Env) -> bool {
        let called = self.callbacks.call_nothing(env);
        if called.is_err() {
            self.claiming.set(false);
        }
        called.is_ok()
    }
}
