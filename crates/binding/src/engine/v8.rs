//! V8's basic types, and small questions to it.

use std::ffi::c_void;
use std::sync::OnceLock;

use napi::sys;

use crate::engine::cpp::{call_method, method};
use crate::engine::library::{self, Symbols};

/// A `v8::Isolate`.
pub(crate) type Isolate = c_void;
pub(crate) type Local = *mut c_void;

/// `v8::Isolate::GetCurrent`: the isolate that the calling thread has entered, or null.
pub(super) type GetCurrent = unsafe extern "C" fn() -> *mut Isolate;

pub(super) fn find_get_current(symbols: &Symbols) -> Option<GetCurrent> {
    // SAFETY: a static member of `v8::Isolate` without arguments.
    unsafe { symbols.find_cpp(c"_ZN2v87Isolate10GetCurrentEv", c"?GetCurrent@Isolate@v8@@SAPEAV12@XZ") }
}

/// What the calling thread has entered.
#[derive(Clone, Copy)]
pub(crate) struct Current {
    isolate: GetCurrent,
    context: method!(*mut Isolate => Local),
}

impl Current {
    pub(crate) fn find(symbols: &Symbols) -> Option<Current> {
        // SAFETY: a member of `v8::Isolate` without arguments; see `library` for how it is called.
        unsafe {
            Some(Current {
                isolate: find_get_current(symbols)?,
                context: symbols.find_cpp(
                    c"_ZN2v87Isolate17GetCurrentContextEv",
                    c"?GetCurrentContext@Isolate@v8@@QEAA?AV?$Local@VContext@v8@@@2@XZ",
                )?,
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
        unsafe { call_method!(self.context, isolate) }
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
                is_one_byte: symbols
                    .find_cpp(c"_ZNK2v86String9IsOneByteEv", c"?IsOneByte@String@v8@@QEBA_NXZ"),
                is_detachable: symbols.find_cpp(
                    c"_ZNK2v811ArrayBuffer12IsDetachableEv",
                    c"?IsDetachable@ArrayBuffer@v8@@QEBA_NXZ",
                ),
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
        Some((Current::find(symbols)?, unsafe {
            symbols.find_cpp(
                c"_ZN2v87Isolate21LowMemoryNotificationEv",
                c"?LowMemoryNotification@Isolate@v8@@QEAAXXZ",
            )
        }?))
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

/// Has V8 call `tell` when the heap of this thread's isolate has nearly reached its limit; the limit stays.
pub(crate) fn watch_heap_limit(tell: fn()) {
    type Callback = unsafe extern "C" fn(*mut c_void, usize, usize) -> usize;
    type Add = unsafe extern "C" fn(*mut Isolate, Callback, *mut c_void);
    static TELL: OnceLock<fn()> = OnceLock::new();
    unsafe extern "C" fn near_limit(_data: *mut c_void, now: usize, _at_first: usize) -> usize {
        if let Some(tell) = TELL.get() {
            // A panic must not cross into C.
            let _ = std::panic::catch_unwind(tell);
        }
        now
    }
    let Some(symbols) = library::symbols() else { return };
    let found = Current::find(symbols)
        // SAFETY: a member of `v8::Isolate` that takes a function and a pointer for it.
        .zip(unsafe {
            symbols.find_cpp::<Add>(
                c"_ZN2v87Isolate24AddNearHeapLimitCallbackEPFmPvmmES1_",
                c"?AddNearHeapLimitCallback@Isolate@v8@@QEAAXP6A_KPEAX_K1@Z0@Z",
            )
        });
    let Some((current, add)) = found else { return };
    let isolate = current.isolate();
    let _ = TELL.set(tell);
    if !isolate.is_null() {
        // SAFETY: the isolate that this thread has entered, and a function that uses no data.
        unsafe { add(isolate, near_limit, std::ptr::null_mut()) };
    }
}

/// Has JavaScript of this thread overflow its stack only at this address; false where V8 cannot be asked.
///
/// # Safety
/// The stack of the calling thread reaches below the address, by as much as native code may use from there.
pub(crate) unsafe fn set_stack_limit(address: usize) -> bool {
    type SetLimit = unsafe extern "C" fn(*mut Isolate, usize);
    let Some(symbols) = library::symbols() else { return false };
    // SAFETY: a member of `v8::Isolate` that takes one address.
    let found = Current::find(symbols).zip(unsafe {
        symbols
            .find_cpp::<SetLimit>(c"_ZN2v87Isolate13SetStackLimitEm", c"?SetStackLimit@Isolate@v8@@QEAAX_K@Z")
    });
    let Some((current, set)) = found else { return false };
    let isolate = current.isolate();
    if isolate.is_null() {
        return false;
    }
    // SAFETY: the isolate that this thread has entered; the rest is the caller's.
    unsafe { set(isolate, address) };
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
