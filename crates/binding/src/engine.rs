//! What N-API does not offer: symbols of V8 and libuv that the node executable exports, looked up at run
//! time. A missing one is no error: every user of this module has another way.
//!
//! V8's member functions are called through the Itanium C++ ABI of the platform, where a member function
//! without virtual dispatch is a C function whose first argument is the object, and a `Local<T>`, being one
//! pointer that can be copied bit by bit, is passed and returned like one.

use std::ffi::c_void;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

#[cfg(unix)]
use libloading::os::unix::Library;
#[cfg(windows)]
use libloading::os::windows::Library;
use napi::sys;

use crate::clone::Cloner;
use crate::interrupts::Interrupts;
use crate::names::Names;
use crate::store::Stores;
use crate::threadsafe;
use crate::uv::{IdleCalls, Uv};

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
        idle: find_idle(library),
    })
}

fn find_idle(library: &Library) -> Option<IdleCalls> {
    Some(IdleCalls {
        init: find(library, c"uv_idle_init")?,
        start: find(library, c"uv_idle_start")?,
        stop: find(library, c"uv_idle_stop")?,
        backend_timeout: find(library, c"uv_backend_timeout")?,
    })
}

fn find_current(library: &Library) -> Option<Current> {
    Some(Current {
        isolate: find(library, c"_ZN2v87Isolate10GetCurrentEv")?,
        context: find(library, c"_ZN2v87Isolate17GetCurrentContextEv")?,
    })
}

fn find_interrupts(library: &Library) -> Option<Interrupts> {
    Some(Interrupts {
        current: find_current(library)?,
        request: find(library, c"_ZN2v87Isolate16RequestInterruptEPFvPS0_PvES2_")?,
        terminate: find(library, c"_ZN2v87Isolate18TerminateExecutionEv")?,
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
        current: find_current(library)?,
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
        current: find_current(library)?,
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
        idle: None,
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
