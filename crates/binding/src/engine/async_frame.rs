//! Which stores of AsyncLocalStorage the code of an isolate sees, where V8 keeps them (Node 24 and later): as
//! one frame for the isolate, which Node and V8 exchange when they begin a callback or a microtask.

use std::sync::OnceLock;

use napi::sys;

use crate::engine::interrupts;
use crate::engine::library;
use crate::engine::v8::{Isolate, Local};
use crate::js;

type Set = unsafe extern "C" fn(*mut Isolate, Local);

/// Of the isolate of one thread.
pub(crate) struct AsyncFrame {
    isolate: *mut Isolate,
    set: Set,
}

impl AsyncFrame {
    /// That of the calling thread's isolate; none where V8 cannot be asked, or must not be.
    pub(crate) fn of_this_thread() -> Option<AsyncFrame> {
        static SET: OnceLock<Option<Set>> = OnceLock::new();
        let set = *SET.get_or_init(|| {
            // SAFETY: a member of `v8::Isolate` that takes a Local; see `library`.
            library::symbols().and_then(|symbols| unsafe {
                symbols.find_cpp(
                    c"_ZN2v87Isolate36SetContinuationPreservedEmbedderDataENS_5LocalINS_5ValueEEE",
                    c"?SetContinuationPreservedEmbedderData@Isolate@v8@@QEAAXV?$Local@\
                    VValue@v8@@@2@@Z",
                )
            })
        });
        let isolate = interrupts::interrupts()?.current();
        (!isolate.is_null()).then_some(AsyncFrame { isolate, set: set? })
    }

    /// From here on no store is seen, as at the beginning of a callback.
    pub(crate) fn clear(&self, env: sys::napi_env) {
        if let Ok(undefined) = js::undefined(env) {
            // SAFETY: the isolate that made this, on its thread, in a call from its JavaScript; a
            // `napi_value` of Node is the slot of a Local.
            unsafe { (self.set)(self.isolate, undefined.cast()) };
        }
    }
}
