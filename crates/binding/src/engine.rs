//! What N-API does not offer: symbols of V8 and libuv that the node executable exports, looked up at run
//! time. A missing one is no error: every user of this module has another way.
//!
//! V8's member functions are called through the Itanium C++ ABI of the platform, where a member function
//! without virtual dispatch is a C function whose first argument is the object, and a `Local<T>`, being one
//! pointer that can be copied bit by bit, is passed and returned like one.

use std::ffi::{c_int, c_void};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

#[cfg(unix)]
use libloading::os::unix::Library;
#[cfg(windows)]
use libloading::os::windows::Library;
use napi::sys;

use crate::clone::Cloner;
use crate::names::Names;
use crate::store::Stores;
use crate::threadsafe;

/// A `uv_async_t`, seen from outside.
pub(crate) type UvAsync = c_void;
/// A `v8::Isolate`.
pub(crate) type Isolate = c_void;
type Local = *mut c_void;

pub(crate) type AsyncCallback = unsafe extern "C" fn(*mut UvAsync);
pub(crate) type CloseCallback = unsafe extern "C" fn(*mut UvAsync);
pub(crate) type InterruptCallback = unsafe extern "C" fn(*mut Isolate, *mut c_void);

#[derive(Clone, Copy)]
pub(crate) struct Uv {
    handle_size: unsafe extern "C" fn(c_int) -> usize,
    async_init: unsafe extern "C" fn(*mut c_void, *mut UvAsync, AsyncCallback) -> c_int,
    async_send: unsafe extern "C" fn(*mut UvAsync) -> c_int,
    close: unsafe extern "C" fn(*mut UvAsync, CloseCallback),
    reference: unsafe extern "C" fn(*mut UvAsync),
    unreference: unsafe extern "C" fn(*mut UvAsync),
}

/// What stopping and looking at a running isolate needs.
#[derive(Clone, Copy)]
pub(crate) struct Interrupts {
    current: unsafe extern "C" fn() -> *mut Isolate,
    request: unsafe extern "C" fn(*mut Isolate, InterruptCallback, *mut c_void),
    terminate: unsafe extern "C" fn(*mut Isolate),
    context: unsafe extern "C" fn(*mut Isolate) -> Local,
    environment: unsafe extern "C" fn(Local) -> *mut c_void,
    stop_environment: unsafe extern "C" fn(*mut c_void, c_int),
    cancel: unsafe extern "C" fn(*mut Isolate),
    stack_trace: unsafe extern "C" fn(*mut Isolate, c_int, c_int) -> Local,
    frame_count: unsafe extern "C" fn(Local) -> c_int,
    frame: unsafe extern "C" fn(Local, *mut Isolate, u32) -> Local,
    script_name: unsafe extern "C" fn(Local) -> Local,
    function_name: unsafe extern "C" fn(Local) -> Local,
    location: unsafe extern "C" fn(Local) -> u64,
}

#[derive(Default)]
struct Symbols {
    uv: Option<Uv>,
    interrupts: Option<Interrupts>,
    is_one_byte: Option<unsafe extern "C" fn(sys::napi_value) -> bool>,
    is_detachable: Option<unsafe extern "C" fn(sys::napi_value) -> bool>,
    stores: Option<Stores>,
    cloner: Option<Cloner>,
    names: Option<Names>,
}

fn symbols() -> &'static Symbols {
    static SYMBOLS: OnceLock<Symbols> = OnceLock::new();
    SYMBOLS.get_or_init(|| {
        if IS_BUN.load(Ordering::Relaxed) {
            return Symbols::default();
        }
        let Some(library) = executable() else { return Symbols::default() };
        Symbols {
            uv: find_uv(&library).filter(|_| std::env::var_os(FORCE_NO_LIBUV).is_none()),
            interrupts: find_interrupts(&library).filter(|_| std::env::var_os(FORCE_MISSING).is_none()),
            is_one_byte: find(&library, c"_ZNK2v86String9IsOneByteEv"),
            is_detachable: find(&library, c"_ZNK2v811ArrayBuffer12IsDetachableEv"),
            stores: find_stores(&library),
            cloner: find_cloner(&library),
            names: find_names(&library),
        }
    })
}

/// The program that has loaded us.
#[cfg(unix)]
fn executable() -> Option<Library> {
    Some(Library::this())
}

/// The program that has loaded us. It exports libuv; V8's names follow another ABI here, so none of its symbols is found.
#[cfg(windows)]
fn executable() -> Option<Library> {
    Library::this().ok()
}

/// Set, to anything, it makes every stop go by replacing the worker, as on a runtime without the symbols.
const FORCE_MISSING: &str = "CONCURRENT_FUTURES_NO_INTERRUPT";

/// The same for the doorbell: a threadsafe function takes the place of libuv's handle.
const FORCE_NO_LIBUV: &str = "CONCURRENT_FUTURES_NO_LIBUV";

/// Whether what looks like libuv and V8 is not.
// ORDERING: set, always to the same, by whoever reads it afterwards.
static IS_BUN: AtomicBool = AtomicBool::new(false);

/// Looks which runtime this is. Before anything else of this module is called.
pub(crate) fn see_runtime(env: sys::napi_env) {
    IS_BUN.store(threadsafe::is_bun(env), Ordering::Relaxed);
}

fn find<T: Copy>(library: &Library, name: &std::ffi::CStr) -> Option<T> {
    // SAFETY: `T` is a function pointer of the signature that the symbol has in every V8 and libuv that
    // exports it under this (mangled) name; the executable is never unloaded.
    unsafe { library.get::<T>(name.to_bytes_with_nul()).ok().map(|symbol| *symbol) }
}

fn find_uv(library: &Library) -> Option<Uv> {
    Some(Uv {
        handle_size: find(library, c"uv_handle_size")?,
        async_init: find(library, c"uv_async_init")?,
        async_send: find(library, c"uv_async_send")?,
        close: find(library, c"uv_close")?,
        reference: find(library, c"uv_ref")?,
        unreference: find(library, c"uv_unref")?,
    })
}

fn find_interrupts(library: &Library) -> Option<Interrupts> {
    Some(Interrupts {
        current: find(library, c"_ZN2v87Isolate10GetCurrentEv")?,
        request: find(library, c"_ZN2v87Isolate16RequestInterruptEPFvPS0_PvES2_")?,
        terminate: find(library, c"_ZN2v87Isolate18TerminateExecutionEv")?,
        context: find(library, c"_ZN2v87Isolate17GetCurrentContextEv")?,
        environment: find(library, c"_ZN4node21GetCurrentEnvironmentEN2v85LocalINS0_7ContextEEE")?,
        stop_environment: find(library, c"_ZN4node4StopEPNS_11EnvironmentENS_9StopFlags5FlagsE")?,
        cancel: find(library, c"_ZN2v87Isolate24CancelTerminateExecutionEv")?,
        stack_trace: find(
            library,
            c"_ZN2v810StackTrace17CurrentStackTraceEPNS_7IsolateEiNS0_17StackTraceOptionsE",
        )?,
        frame_count: find(library, c"_ZNK2v810StackTrace13GetFrameCountEv")?,
        frame: find(library, c"_ZNK2v810StackTrace8GetFrameEPNS_7IsolateEj")?,
        script_name: find(library, c"_ZNK2v810StackFrame13GetScriptNameEv")?,
        function_name: find(library, c"_ZNK2v810StackFrame15GetFunctionNameEv")?,
        location: find(library, c"_ZNK2v810StackFrame11GetLocationEv")?,
    })
}

fn find_stores(library: &Library) -> Option<Stores> {
    Some(Stores {
        current: find(library, c"_ZN2v87Isolate10GetCurrentEv")?,
        get: [
            find(library, c"_ZN2v811ArrayBuffer15GetBackingStoreEv")?,
            find(library, c"_ZN2v817SharedArrayBuffer15GetBackingStoreEv")?,
        ],
        new: [
            find(library, c"_ZN2v811ArrayBuffer3NewEPNS_7IsolateESt10shared_ptrINS_12BackingStoreEE")?,
            find(library, c"_ZN2v817SharedArrayBuffer3NewEPNS_7IsolateESt10shared_ptrINS_12BackingStoreEE")?,
        ],
    })
}

fn find_cloner(library: &Library) -> Option<Cloner> {
    Some(Cloner {
        isolate: find(library, c"_ZN2v87Isolate10GetCurrentEv")?,
        context: find(library, c"_ZN2v87Isolate17GetCurrentContextEv")?,
        open_catch: find(library, c"_ZN2v88TryCatchC1EPNS_7IsolateE")?,
        close_catch: find(library, c"_ZN2v88TryCatchD1Ev")?,
        open_writer: find(library, c"_ZN2v815ValueSerializerC1EPNS_7IsolateE")?,
        close_writer: find(library, c"_ZN2v815ValueSerializerD1Ev")?,
        write_header: find(library, c"_ZN2v815ValueSerializer11WriteHeaderEv")?,
        write_value: find(
            library,
            c"_ZN2v815ValueSerializer10WriteValueENS_5LocalINS_7ContextEEENS1_INS_5ValueEEE",
        )?,
        release: find(library, c"_ZN2v815ValueSerializer7ReleaseEv")?,
        open_reader: find(library, c"_ZN2v817ValueDeserializerC1EPNS_7IsolateEPKhm")?,
        close_reader: find(library, c"_ZN2v817ValueDeserializerD1Ev")?,
        read_header: find(library, c"_ZN2v817ValueDeserializer10ReadHeaderENS_5LocalINS_7ContextEEE")?,
        read_value: find(library, c"_ZN2v817ValueDeserializer9ReadValueENS_5LocalINS_7ContextEEE")?,
    })
}

fn find_names(library: &Library) -> Option<Names> {
    Some(Names {
        isolate: find(library, c"_ZN2v87Isolate10GetCurrentEv")?,
        context: find(library, c"_ZN2v87Isolate17GetCurrentContextEv")?,
        get: find(
            library,
            c"_ZN2v86Object16GetPropertyNamesENS_5LocalINS_7ContextEEENS_17KeyCollectionModeENS_14PropertyFilterENS_11IndexFilterENS_17KeyConversionModeE",
        )?,
    })
}

pub(crate) fn names() -> Option<&'static Names> {
    symbols().names.as_ref()
}

pub(crate) fn cloner() -> Option<&'static Cloner> {
    symbols().cloner.as_ref()
}

pub(crate) fn stores() -> Option<&'static Stores> {
    symbols().stores.as_ref()
}

/// Whether every character of a string fits a byte, as V8 stores it. False where V8 cannot be asked.
pub(crate) fn is_one_byte(value: sys::napi_value) -> bool {
    // SAFETY: a `napi_value` of Node is the slot of a `Local`, which is what a member function of `String`
    // takes as its object; the caller has checked that it is a string.
    symbols().is_one_byte.is_some_and(|ask| unsafe { ask(value) })
}

/// Whether an ArrayBuffer can be detached: the memory of WebAssembly cannot. True where V8 cannot be asked.
pub(crate) fn is_detachable(buffer: sys::napi_value) -> bool {
    // SAFETY: as in `is_one_byte`; the caller has checked that it is an ArrayBuffer.
    symbols().is_detachable.is_none_or(|ask| unsafe { ask(buffer) })
}

pub(crate) fn uv() -> &'static Uv {
    /// See [`threadsafe`].
    static SUBSTITUTE: Uv = Uv {
        handle_size: threadsafe::handle_size,
        async_init: threadsafe::init,
        async_send: threadsafe::send,
        close: threadsafe::close,
        reference: threadsafe::reference,
        unreference: threadsafe::unreference,
    };
    symbols().uv.as_ref().unwrap_or(&SUBSTITUTE)
}

/// Whether the runtime's own libuv is there: then a handle is opened on its loop, otherwise on the environment.
pub(crate) fn has_libuv() -> bool {
    symbols().uv.is_some()
}

pub(crate) fn interrupts() -> Option<&'static Interrupts> {
    symbols().interrupts.as_ref()
}

/// Rings; null does nothing. The caller holds the gate, so the handle is open.
pub(crate) fn uv_async_send(handle: *mut UvAsync) {
    if !handle.is_null() {
        // SAFETY: an open handle; libuv allows this from any thread.
        unsafe { (uv().async_send)(handle) };
    }
}

impl Uv {
    /// A new handle on `event_loop`, with `data`, or null.
    pub(crate) fn open(
        &self,
        event_loop: *mut c_void,
        data: *mut c_void,
        callback: AsyncCallback,
    ) -> *mut UvAsync {
        const UV_ASYNC: c_int = 1;
        // SAFETY: asks for a size.
        let size = unsafe { (self.handle_size)(UV_ASYNC) };
        let memory = vec![0u64; size.div_ceil(8).max(16)].into_boxed_slice();
        let handle = Box::into_raw(memory).cast::<UvAsync>();
        // SAFETY: zeroed, aligned memory of at least the handle's size; `data` is the handle's first member.
        unsafe {
            if (self.async_init)(event_loop, handle, callback) != 0 {
                return std::ptr::null_mut();
            }
            *handle.cast::<*mut c_void>() = data;
        }
        handle
    }

    /// Closes a handle on its loop's thread. Its few bytes are never freed: a late look at them must stay harmless.
    pub(crate) fn close(&self, handle: *mut UvAsync, closed: CloseCallback) {
        // SAFETY: an open handle of this thread's loop, closed once.
        unsafe { (self.close)(handle, closed) };
    }

    /// Says whether the handle keeps the loop alive. On the loop's thread.
    pub(crate) fn hold(&self, handle: *mut UvAsync, held: bool) {
        // SAFETY: an open handle of this thread's loop.
        unsafe { if held { (self.reference)(handle) } else { (self.unreference)(handle) } }
    }
}

/// One frame of a running isolate.
pub(crate) struct Frame {
    pub(crate) function: String,
    pub(crate) script: String,
    pub(crate) line: i32,
    pub(crate) column: i32,
}

impl Interrupts {
    /// The isolate that this thread has entered, or null.
    pub(crate) fn current(&self) -> *mut Isolate {
        // SAFETY: no arguments; reads a thread-local.
        unsafe { (self.current)() }
    }

    /// Has `callback` called on the isolate's thread at its next stack check.
    ///
    /// # Safety
    /// The isolate must be alive, and `data` good whenever the callback comes.
    pub(crate) unsafe fn request(
        &self,
        isolate: *mut Isolate,
        callback: InterruptCallback,
        data: *mut c_void,
    ) {
        // SAFETY: V8 allows this from any thread; the rest is the caller's.
        unsafe { (self.request)(isolate, callback, data) };
    }

    /// # Safety
    /// The isolate must be alive.
    pub(crate) unsafe fn terminate(&self, isolate: *mut Isolate) {
        // SAFETY: V8 allows this from any thread.
        unsafe { (self.terminate)(isolate) };
    }

    /// Ends the JavaScript of this thread for good. A mere termination would leave Node's stack of async ids out of balance,
    /// which Node punishes with the end of the process; so Node itself is told, as `worker.terminate()` does.
    ///
    /// # Safety
    /// Called on the isolate's thread, in a handle scope.
    pub(crate) unsafe fn end(&self, isolate: *mut Isolate) {
        // SAFETY: the caller's. An environment lives as long as its contexts, and may be told to stop at any time.
        unsafe {
            let context = (self.context)(isolate);
            if context.is_null() {
                return;
            }
            let environment = (self.environment)(context);
            if !environment.is_null() {
                (self.stop_environment)(environment, 0);
            }
        }
    }

    /// # Safety
    /// The isolate must be alive, and this its thread.
    pub(crate) unsafe fn cancel(&self, isolate: *mut Isolate) {
        // SAFETY: see above.
        unsafe { (self.cancel)(isolate) };
    }

    /// The innermost frames of the JavaScript that this thread runs.
    ///
    /// # Safety
    /// Called on the isolate's thread, in a handle scope, with `env` that isolate's.
    pub(crate) unsafe fn frames(&self, env: sys::napi_env, isolate: *mut Isolate, most: i32) -> Vec<Frame> {
        // kDetailed: line, column, script name, function name, eval, constructor, script id.
        const DETAILED: c_int = 0x7f;
        // SAFETY: V8 allows looking at the stack in an interrupt callback; every Local lives in the caller's scope.
        unsafe {
            let trace = (self.stack_trace)(isolate, most, DETAILED);
            if trace.is_null() {
                return Vec::new();
            }
            let count = (self.frame_count)(trace).clamp(0, most);
            let read = |index: i32| {
                let frame = (self.frame)(trace, isolate, index as u32);
                let location = (self.location)(frame);
                Frame {
                    function: text(env, (self.function_name)(frame)),
                    script: text(env, (self.script_name)(frame)),
                    line: location as u32 as i32 + 1,
                    column: (location >> 32) as u32 as i32 + 1,
                }
            };
            (0..count).map(read).collect()
        }
    }
}

/// A string handle as text; empty for none.
unsafe fn text(env: sys::napi_env, string: Local) -> String {
    if string.is_null() {
        return String::new();
    }
    let mut length = 0usize;
    // SAFETY: a `napi_value` of Node is the slot of a Local; reading a string runs no JavaScript.
    unsafe {
        let value = string.cast();
        if sys::napi_get_value_string_utf8(env, value, std::ptr::null_mut(), 0, &mut length)
            != sys::Status::napi_ok
        {
            return String::new();
        }
        let mut bytes = vec![0u8; length + 1];
        sys::napi_get_value_string_utf8(env, value, bytes.as_mut_ptr().cast(), bytes.len(), &mut length);
        bytes.truncate(length);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}
