//! V8's basic types, and small questions to it.

use std::ffi::c_void;
use std::sync::OnceLock;

use napi::sys;

use crate::engine::library::{self, Symbols};

/// A `v8::Isolate`.
pub(crate) type Isolate = c_void;
pub(crate) type Local = *mut c_void;

/// What the calling thread has entered.
#[derive(Clone, Copy)]
pub(crate) struct Current {
    isolate: unsafe extern "C" fn() -> *mut Isolate,
    context: unsafe extern "C" fn(*mut Isolate) -> Local,
}

impl Current {
    pub(crate) fn find(symbols: &Symbols) -> Option<Current> {
        // SAFETY: static members of `v8::Isolate`, and a member without arguments; see `library` for how
        // they are called.
        unsafe {
            Some(Current {
                isolate: symbols.find(c"_ZN2v87Isolate10GetCurrentEv")?,
                context: symbols.find(c"_ZN2v87Isolate17GetCurrentContextEv")?,
            })
        }
    }

    /// The isolate, or null.
    pub(crate) fn isolate(&self) -> *mut Isolate {
        // SAFETY: no arguments; reads a thread-local.
        unsafe { (self.isolate)() }
    }

    /// The context, or null; in the caller's handle scope.
    ///
    /// # Safety
    /// `isolate` is that of the calling thread, and a handle scope is open.
    pub(crate) unsafe fn context(&self, isolate: *mut Isolate) -> Local {
        // SAFETY: the caller's.
        unsafe { (self.context)(isolate) }
    }
}

/// A question to an object that is answered by yes or no.
type Ask = unsafe extern "C" fn(sys::napi_value) -> bool;

#[derive(Default)]
struct Questions {
    is_one_byte: Option<Ask>,
    is_detachable: Option<Ask>,
}

fn questions() -> &'static Questions {
    static QUESTIONS: OnceLock<Questions> = OnceLock::new();
    QUESTIONS.get_or_init(|| {
        let Some(symbols) = library::symbols() else { return Questions::default() };
        // SAFETY: members of `v8::String` and `v8::ArrayBuffer` without arguments that return a `bool`.
        unsafe {
            Questions {
                is_one_byte: symbols.find(c"_ZNK2v86String9IsOneByteEv"),
                is_detachable: symbols.find(c"_ZNK2v811ArrayBuffer12IsDetachableEv"),
            }
        }
    })
}

/// Collects what can be collected of the isolate of this thread; false where V8 cannot be asked.
pub(crate) fn collect_garbage() -> bool {
    type Collect = unsafe extern "C" fn(*mut Isolate);
    static COLLECT: OnceLock<Option<(Current, Collect)>> = OnceLock::new();
    let found = COLLECT.get_or_init(|| {
        let symbols = library::symbols()?;
        // SAFETY: a member of `v8::Isolate` without arguments.
        Some((Current::find(symbols)?, unsafe { symbols.find(c"_ZN2v87Isolate21LowMemoryNotificationEv") }?))
    });
    let Some((current, collect)) = found else { return false };
    let isolate = current.isolate();
    if isolate.is_null() {
        return false;
    }
    // SAFETY: the isolate that this thread has entered, from a call of JavaScript or between two, where V8
    // may collect.
    unsafe { collect(isolate) };
    true
}

/// Whether every character of a string fits a byte, as V8 stores it. False where V8 cannot be asked.
///
/// # Safety
/// `value` is a live string.
pub(crate) unsafe fn is_one_byte(value: sys::napi_value) -> bool {
    // SAFETY: a `napi_value` of Node is the slot of a `Local`, which is what a member function of `String`
    // takes as its object; the rest is the caller's.
    questions().is_one_byte.is_some_and(|ask| unsafe { ask(value) })
}

/// Whether an ArrayBuffer can be detached: the memory of WebAssembly cannot. True where V8 cannot be asked.
///
/// # Safety
/// `buffer` is a live ArrayBuffer.
pub(crate) unsafe fn is_detachable(buffer: sys::napi_value) -> bool {
    // SAFETY: as in `is_one_byte`.
    questions().is_detachable.is_none_or(|ask| unsafe { ask(buffer) })
}
