//! Asking, terminating and looking at the JavaScript of another thread.

use std::ffi::{c_int, c_void};
use std::sync::OnceLock;

use napi::sys;

use crate::engine::cpp::{call_method, call_static, method, static_function};
use crate::engine::library::{self, Symbols};
use crate::engine::v8::{Current, Isolate, Local};

/// Set, to anything, it makes every stop go by replacing the worker, as on a runtime without the symbols.
const FORCE_MISSING: &str = "CONCURRENT_FUTURES_NO_INTERRUPT";

pub(crate) type InterruptCallback = unsafe extern "C" fn(*mut Isolate, *mut c_void);

/// What stopping and looking at a running isolate needs: the symbols.
#[derive(Clone, Copy)]
pub(crate) struct Interrupts {
    pub(crate) current: Current,
    pub(crate) request: unsafe extern "C" fn(*mut Isolate, InterruptCallback, *mut c_void),
    pub(crate) terminate: unsafe extern "C" fn(*mut Isolate),
    pub(crate) environment: unsafe extern "C" fn(Local) -> *mut c_void,
    pub(crate) stop_environment: unsafe extern "C" fn(*mut c_void, c_int),
    pub(crate) cancel: unsafe extern "C" fn(*mut Isolate),
    pub(crate) stack_trace: static_function!(*mut Isolate, c_int, c_int => Local),
    pub(crate) frame_count: unsafe extern "C" fn(Local) -> c_int,
    pub(crate) frame: method!(Local, *mut Isolate, u32 => Local),
    pub(crate) script_name: method!(Local => Local),
    pub(crate) function_name: method!(Local => Local),
    pub(crate) location: method!(Local => u64),
}

/// One frame of a running isolate.
pub(crate) struct Frame {
    pub(crate) function: String,
    pub(crate) script: String,
    pub(crate) line: i32,
    pub(crate) column: i32,
}

impl Interrupts {
    fn find(symbols: &Symbols) -> Option<Interrupts> {
        // SAFETY: static and member functions of V8's public classes, and two functions of Node's; see
        // `library` for how they are called.
        unsafe {
            Some(Interrupts {
                current: Current::find(symbols)?,
                request: symbols.find_cpp(
                    c"_ZN2v87Isolate16RequestInterruptEPFvPS0_PvES2_",
                    c"?RequestInterrupt@Isolate@v8@@QEAAXP6AXPEAV12@PEAX@Z1@Z",
                )?,
                terminate: symbols.find_cpp(
                    c"_ZN2v87Isolate18TerminateExecutionEv",
                    c"?TerminateExecution@Isolate@v8@@QEAAXXZ",
                )?,
                environment: symbols.find_cpp(
                    c"_ZN4node21GetCurrentEnvironmentEN2v85LocalINS0_7ContextEEE",
                    c"?GetCurrentEnvironment@node@@YAPEAVEnvironment@1@V?$Local@\
                    VContext@v8@@@v8@@@Z",
                )?,
                stop_environment: symbols.find_cpp(
                    c"_ZN4node4StopEPNS_11EnvironmentENS_9StopFlags5FlagsE",
                    c"?Stop@node@@YAHPEAVEnvironment@1@W4Flags@StopFlags@1@@Z",
                )?,
                cancel: symbols.find_cpp(
                    c"_ZN2v87Isolate24CancelTerminateExecutionEv",
                    c"?CancelTerminateExecution@Isolate@v8@@QEAAXXZ",
                )?,
                stack_trace: symbols.find_cpp(
                    c"_ZN2v810StackTrace17CurrentStackTraceEPNS_7IsolateE\
                    iNS0_17StackTraceOptionsE",
                    c"?CurrentStackTrace@StackTrace@v8@@SA?AV?$Local@\
                    VStackTrace@v8@@@2@PEAVIsolate@2@HW4StackTraceOptions@12@@Z",
                )?,
                frame_count: symbols.find_cpp(
                    c"_ZNK2v810StackTrace13GetFrameCountEv",
                    c"?GetFrameCount@StackTrace@v8@@QEBAHXZ",
                )?,
                frame: symbols.find_cpp(
                    c"_ZNK2v810StackTrace8GetFrameEPNS_7IsolateEj",
                    c"?GetFrame@StackTrace@v8@@QEBA?AV?$Local@\
                    VStackFrame@v8@@@2@PEAVIsolate@2@I@Z",
                )?,
                script_name: symbols.find_cpp(
                    c"_ZNK2v810StackFrame13GetScriptNameEv",
                    c"?GetScriptName@StackFrame@v8@@QEBA?AV?$Local@VString@v8@@@2@XZ",
                )?,
                function_name: symbols.find_cpp(
                    c"_ZNK2v810StackFrame15GetFunctionNameEv",
                    c"?GetFunctionName@StackFrame@v8@@QEBA?AV?$Local@VString@v8@@@2@XZ",
                )?,
                location: symbols.find_cpp(
                    c"_ZNK2v810StackFrame11GetLocationEv",
                    c"?GetLocation@StackFrame@v8@@QEBA?AVLocation@2@XZ",
                )?,
            })
        }
    }

    /// The isolate that this thread has entered, or null.
    pub(crate) fn current(&self) -> *mut Isolate {
        self.current.isolate()
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

    /// Ends the JavaScript of this thread for good. A mere termination would leave Node's stack of async
    /// ids out of balance, for which Node ends the process; so Node itself is told, as
    /// `worker.terminate()` does.
    ///
    /// # Safety
    /// Called on the isolate's thread, in a handle scope.
    pub(crate) unsafe fn end(&self, isolate: *mut Isolate) {
        // SAFETY: the caller's. An environment lives as long as its contexts, and may be told to stop at
        // any time.
        unsafe {
            let context = self.current.context(isolate);
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
        // SAFETY: V8 allows looking at the stack in an interrupt callback; every Local lives in the
        // caller's scope.
        unsafe {
            let trace = call_static!(self.stack_trace, isolate, most, DETAILED);
            if trace.is_null() {
                return Vec::new();
            }
            let count = (self.frame_count)(trace).clamp(0, most);
            let read = |index: i32| {
                let frame = call_method!(self.frame, trace, isolate, index as u32);
                let location = call_method!(self.location, frame);
                Frame {
                    function: text(env, call_method!(self.function_name, frame)),
                    script: text(env, call_method!(self.script_name, frame)),
                    line: location as u32 as i32 + 1,
                    column: (location >> 32) as u32 as i32 + 1,
                }
            };
            (0..count).map(read).collect()
        }
    }
}

/// The calls, where the runtime has them.
pub(crate) fn interrupts() -> Option<&'static Interrupts> {
    static FOUND: OnceLock<Option<Interrupts>> = OnceLock::new();
    FOUND
        .get_or_init(|| {
            library::symbols()
                .filter(|_| std::env::var_os(FORCE_MISSING).is_none())
                .and_then(Interrupts::find)
        })
        .as_ref()
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
