//! One run of one task: the context that the plug-in sees, what it hands back, and what becomes of that.

use super::hooks::{Hook, Hooks};
use crate::abi;
use std::any::Any;
use std::cell::{Cell, OnceCell, RefCell};
use std::error::Error;
use std::ffi::{c_char, c_void};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

/// What runs a plug-in's task on behalf of somebody.
pub trait Host: Sync {
    /// Not 0 once the task is cancelled or its time is up.
    fn cancel_flag(&self) -> &AtomicU8;

    /// Calls `hook` when the task is cancelled or its time is up, at once if that has happened. Called at
    /// most once a run. `hook` may be called or dropped at any later time, even after the run: it does
    /// nothing then.
    fn on_cancel(&self, hook: Box<dyn FnOnce() + Send>);

    /// Delivers what the task says about how far it is.
    fn progress(&self, bytes: Vec<u8>);

    /// Time until the task's time is up; `None` without a limit.
    fn remaining(&self) -> Option<Duration>;
}

/// The most bytes of a result: as many as JavaScript can hold in one array everywhere.
pub const MOST_OUTPUT: usize = 1 << 32;
/// The most bytes of an error's text; what is longer is cut.
const MOST_TEXT: usize = 1 << 16;

/// Why a run gave no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PluginError {
    /// The task says so, in these words.
    Failed(String),
    /// The task gave up because it was cancelled or its time was up.
    Cancelled,
    /// The task panicked, with this message.
    Panicked(String),
    /// There was no memory for the output.
    OutOfMemory,
    /// The output, or what the task said about how far it is, has more than [`MOST_OUTPUT`] bytes.
    TooLarge,
    /// The task broke the rules of the ABI, in a way that did no harm.
    Misbehaved(String),
}

impl fmt::Display for PluginError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(message) => formatter.write_str(message),
            Self::Cancelled => formatter.write_str("the native task was cancelled"),
            Self::Panicked(message) => write!(formatter, "the native task panicked: {message}"),
            Self::OutOfMemory => formatter.write_str("no memory for the output of the native task"),
            Self::TooLarge => write!(formatter, "the native task has put out more than {MOST_OUTPUT} bytes"),
            Self::Misbehaved(what) => write!(formatter, "the native task broke the ABI: {what}"),
        }
    }
}

impl Error for PluginError {}

/// The context of the ABI first, so that a pointer to it is a pointer to the whole. The plug-in has such a
/// pointer and may use it while it runs, so everything here changes behind shared references. By the ABI only
/// the thread that runs the task calls the functions below; none of them lets a reference outlive the call.
#[repr(C)]
struct Run<'a> {
    context: abi::Context,
    host: &'a dyn Host,
    hooks: OnceCell<Arc<Hooks>>,
    output: RefCell<Vec<u8>>,
    error: RefCell<Option<String>>,
    /// The first broken rule, or want of memory: such a run cannot succeed.
    failure: RefCell<Option<PluginError>>,
    /// A panic of the host on its way around the plug-in's frames.
    panic: Cell<Option<Box<dyn Any + Send>>>,
}

/// Runs `function` to its end.
///
/// # Safety
/// `function` must keep the rules of the ABI, as far as it can harm the process by breaking them.
pub(super) unsafe fn run(
    function: abi::RunFunction,
    input: &[u8],
    host: &dyn Host,
) -> Result<Vec<u8>, PluginError> {
    let run = Run {
        context: abi::Context {
            size: size_of::<abi::Context>() as u32,
            abi: abi::ABI,
            input: input.as_ptr(),
            input_length: input.len(),
            cancel_flag: host.cancel_flag().as_ptr(),
            on_cancel,
            out,
            out_reserve,
            error,
            progress,
            remaining_ns,
        },
        host,
        hooks: OnceCell::new(),
        output: RefCell::default(),
        error: RefCell::default(),
        failure: RefCell::default(),
        panic: Cell::default(),
    };
    // SAFETY: the pointer is to the whole of `run`, which outlives the call; the caller vouches for the
    // function.
    let status = unsafe { function((&raw const run).cast_mut().cast()) };
    if let Some(hooks) = run.hooks.get() {
        hooks.forget();
    }
    if let Some(panic) = run.panic.take() {
        resume_unwind(panic);
    }
    run.finish(status)
}

impl Run<'_> {
    fn finish(self, status: i32) -> Result<Vec<u8>, PluginError> {
        let message = self.error.into_inner();
        let message = || message.unwrap_or_else(|| "the native task failed without saying why".into());
        match status {
            abi::STATUS_OK => match self.failure.into_inner() {
                None => Ok(self.output.into_inner()),
                Some(failure) => Err(failure),
            },
            abi::STATUS_ERROR => Err(match self.failure.into_inner() {
                Some(lack @ (PluginError::OutOfMemory | PluginError::TooLarge)) => lack,
                _ => PluginError::Failed(message()),
            }),
            abi::STATUS_CANCELLED if is_cancelled(self.host) => Err(PluginError::Cancelled),
            abi::STATUS_CANCELLED => Err(misbehaved("it reported a cancellation that nobody asked for")),
            abi::STATUS_PANIC => Err(PluginError::Panicked(message())),
            other => Err(misbehaved(&format!("it returned the unknown status {other}"))),
        }
    }

    /// Runs the host's code on the plug-in's stack, through which no panic may pass.
    fn guard<T>(&self, default: T, call: impl FnOnce(&dyn Host) -> T) -> T {
        // Unwind safe: after a panic the host sees it again, from `run`.
        catch_unwind(AssertUnwindSafe(|| call(self.host))).unwrap_or_else(|panic| {
            self.panic.set(Some(panic));
            default
        })
    }

    /// Makes room for `length` more bytes.
    fn grow(&self, output: &mut Vec<u8>, length: usize) -> bool {
        let refusal = if length > MOST_OUTPUT - output.len() {
            PluginError::TooLarge
        } else if output.try_reserve(length).is_err() {
            PluginError::OutOfMemory
        } else {
            return true;
        };
        self.failure.borrow_mut().get_or_insert(refusal);
        false
    }

    /// The bytes that a plug-in points to, unless that is a NULL with a length.
    ///
    /// # Safety
    /// Otherwise `length` bytes must be readable at `start`, and stay as they are while the result is in use.
    unsafe fn bytes<'b>(&self, function: &str, start: *const u8, length: usize) -> Option<&'b [u8]> {
        if length == 0 {
            return Some(&[]);
        }
        if start.is_null() || length > isize::MAX as usize {
            let broken = misbehaved(&format!("it called {function} with NULL or an impossible length"));
            self.failure.borrow_mut().get_or_insert(broken);
            return None;
        }
        // SAFETY: the caller's promise, and the two conditions that a slice adds to it.
        Some(unsafe { std::slice::from_raw_parts(start, length) })
    }
}

/// Its time may be up a moment before somebody has set the flag.
fn is_cancelled(host: &dyn Host) -> bool {
    host.cancel_flag().load(Ordering::Relaxed) != 0 || host.remaining() == Some(Duration::ZERO)
}

fn misbehaved(what: &str) -> PluginError {
    PluginError::Misbehaved(what.into())
}

/// # Safety
/// For this and all functions below: `context` must come from `run`, which must not have returned.
unsafe fn run_of<'a>(context: *mut abi::Context) -> &'a Run<'a> {
    // SAFETY: the caller's promise; `run` made the pointer from one to the whole `Run`, of which only shared
    // references exist.
    unsafe { &*context.cast::<Run<'a>>() }
}

unsafe extern "C" fn on_cancel(context: *mut abi::Context, hook: Option<abi::Hook>, data: *mut c_void) {
    // SAFETY: the caller's promise.
    let run = unsafe { run_of(context) };
    let Some(function) = hook else {
        if let Some(hooks) = run.hooks.get() {
            hooks.forget();
        }
        return;
    };
    if let Some(hooks) = run.hooks.get() {
        return hooks.add(Hook { function, data });
    }
    let hooks = Arc::new(Hooks::default());
    // Added first: the host may fire before it returns, on this thread.
    hooks.add(Hook { function, data });
    let fire = Arc::clone(&hooks);
    let _ = run.hooks.set(hooks); // empty, as was seen above
    run.guard((), |host| host.on_cancel(Box::new(move || fire.fire())));
}

unsafe extern "C" fn out(context: *mut abi::Context, bytes: *const u8, length: usize) -> i32 {
    // SAFETY: the caller's promise.
    let run = unsafe { run_of(context) };
    let mut output = run.output.borrow_mut();
    if length > 0 && output.as_ptr_range().contains(&bytes) {
        let broken = misbehaved("it called out with bytes that the output itself lends");
        run.failure.borrow_mut().get_or_insert(broken);
        return 1; // growing may move them before they are copied
    }
    // SAFETY: by the ABI the plug-in has `length` bytes there for the length of this call.
    let Some(bytes) = (unsafe { run.bytes("out", bytes, length) }) else {
        return 1;
    };
    if !run.grow(&mut output, length) {
        return 1;
    }
    output.extend_from_slice(bytes);
    0
}

unsafe extern "C" fn out_reserve(context: *mut abi::Context, length: usize) -> *mut u8 {
    // SAFETY: the caller's promise.
    let run = unsafe { run_of(context) };
    let mut output = run.output.borrow_mut();
    if !run.grow(&mut output, length) {
        return std::ptr::null_mut();
    }
    let start = output.len();
    output.resize(start + length, 0);
    output[start..].as_mut_ptr()
}

unsafe extern "C" fn error(context: *mut abi::Context, text: *const c_char, length: usize) {
    // SAFETY: the caller's promise.
    let run = unsafe { run_of(context) };
    // SAFETY: by the ABI the plug-in has `length` bytes there for the length of this call.
    if let Some(text) = unsafe { run.bytes("error", text.cast(), length) } {
        let text = &text[..text.len().min(MOST_TEXT)];
        run.error.replace(Some(String::from_utf8_lossy(text).into_owned()));
    }
}

unsafe extern "C" fn progress(context: *mut abi::Context, bytes: *const u8, length: usize) {
    // SAFETY: the caller's promise.
    let run = unsafe { run_of(context) };
    // SAFETY: by the ABI the plug-in has `length` bytes there for the length of this call.
    if let Some(bytes) = unsafe { run.bytes("progress", bytes, length) } {
        let mut copy = Vec::new();
        if run.grow(&mut copy, bytes.len()) {
            copy.extend_from_slice(bytes);
            run.guard((), |host| host.progress(copy));
        }
    }
}

unsafe extern "C" fn remaining_ns(context: *mut abi::Context) -> u64 {
    // SAFETY: the caller's promise.
    let run = unsafe { run_of(context) };
    let remaining = run.guard(None, |host| host.remaining());
    // A limit of 584 years and more is shown one nanosecond shorter than "none".
    remaining.map_or(u64::MAX, |time| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).min(u64::MAX - 1))
}
