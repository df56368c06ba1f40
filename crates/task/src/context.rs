//! What a running task sees of its host.

use crate::abi;
use std::cell::{Cell, RefCell};
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The host, as seen by one run of one task. Belongs to the thread that runs it; other threads of the task
/// may watch [`Context::cancel_flag`].
pub struct Context {
    /// Points to a whole `abi::Context` for as long as `self` lives. Never turned into a reference: the host
    /// finds its own fields behind those of the ABI, which a reference would not reach.
    raw: *mut abi::Context,
    /// What the host holds pointers to. Shared, not boxed: the call of a hook borrows it beside this owner.
    hooks: RefCell<Vec<Arc<Hook>>>,
    /// Set while the output is lent to a closure: writing then could move it.
    lent: Cell<bool>,
}

type Hook = Mutex<Option<Box<dyn FnOnce() + Send>>>;

impl Context {
    /// # Safety
    /// `raw` must be the context that a host gave to the run of a task, which must not return while `self`
    /// lives.
    pub(crate) unsafe fn new(raw: *mut abi::Context) -> Self {
        Self { raw, hooks: RefCell::default(), lent: Cell::new(false) }
    }

    /// Whether the task was cancelled or its time is up. Costs one load: ask about every millisecond of work,
    /// since nothing else can stop a native task.
    pub fn cancelled(&self) -> bool {
        self.cancel_flag().load(Ordering::Relaxed) != 0
    }

    /// As [`cancelled`](Self::cancelled), for `?`.
    ///
    /// # Errors
    /// A message when the task shall stop. Any error of a cancelled task counts as its cancellation.
    pub fn check(&self) -> Result<(), String> {
        if self.cancelled() { Err("the task was cancelled".into()) } else { Ok(()) }
    }

    /// Not 0 once the task is cancelled: for the other threads of a task that starts some.
    pub fn cancel_flag(&self) -> &AtomicU8 {
        // SAFETY: `raw` is valid (see the field); the host keeps the flag alive until the task returns, after
        // `self`, and changes it only atomically.
        unsafe { AtomicU8::from_ptr((*self.raw).cancel_flag.cast_mut()) }
    }

    /// Has `hook` called when the task is cancelled, by another thread; at once if that has happened. For
    /// tasks that wait: let the hook wake them. It should be short. A panic in it is swallowed. Hooks that
    /// were not called are dropped when the task ends, also those of a cancelled task that has seen the flag
    /// and returns first.
    pub fn on_cancel(&self, hook: impl FnOnce() + Send + 'static) {
        let hook: Arc<Hook> = Arc::new(Mutex::new(Some(Box::new(hook))));
        let data = Arc::as_ptr(&hook).cast_mut().cast::<c_void>();
        self.hooks.borrow_mut().push(hook);
        // SAFETY: `raw` is valid and this is the task's thread (`Context` is not Sync). `call_hook` gets
        // `data`, a `Hook` that lives until `drop` has made the host forget it.
        unsafe { ((*self.raw).on_cancel)(self.raw, Some(call_hook), data) }
    }

    /// Tells whoever submitted the task how far it is, in bytes that the two agree on.
    pub fn progress(&self, bytes: &[u8]) {
        // SAFETY: `raw` is valid, this is the task's thread, and the host only reads `bytes`, before it
        // returns.
        unsafe { ((*self.raw).progress)(self.raw, bytes.as_ptr(), bytes.len()) }
    }

    /// Time until the task's time is up; `None` without a limit.
    pub fn remaining(&self) -> Option<Duration> {
        // SAFETY: `raw` is valid and this is the task's thread.
        let nanoseconds = unsafe { ((*self.raw).remaining_ns)(self.raw) };
        (nanoseconds != u64::MAX).then(|| Duration::from_nanos(nanoseconds))
    }

    /// Appends to the result, in front of what the task returns.
    ///
    /// # Errors
    /// A message when the host has no memory: the task cannot succeed any more.
    ///
    /// # Panics
    /// Inside the closure of [`write_with`](Self::write_with).
    pub fn write(&self, bytes: &[u8]) -> Result<(), String> {
        assert!(!self.lent.get(), "write inside write_with");
        // SAFETY: `raw` is valid, this is the task's thread, and the host only reads `bytes`, before it
        // returns.
        match unsafe { ((*self.raw).out)(self.raw, bytes.as_ptr(), bytes.len()) } {
            0 => Ok(()),
            _ => Err(no_memory(bytes.len())),
        }
    }

    /// Appends `length` zero bytes to the result and lets `fill` overwrite them where they are: no copy.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    ///
    /// # Panics
    /// Inside the closure of another `write_with`.
    pub fn write_with<T>(&self, length: usize, fill: impl FnOnce(&mut [u8]) -> T) -> Result<T, String> {
        assert!(!self.lent.get(), "write_with inside write_with");
        if length == 0 {
            return Ok(fill(&mut []));
        }
        // SAFETY: `raw` is valid and this is the task's thread.
        let start = unsafe { ((*self.raw).out_reserve)(self.raw, length) };
        if start.is_null() {
            return Err(no_memory(length));
        }
        // SAFETY: the host lends `length` initialised bytes until the next call of `out` or `out_reserve`;
        // `lent` keeps `fill` from making one through `self`, and the shim makes none while the task runs.
        let bytes = unsafe { std::slice::from_raw_parts_mut(start, length) };
        let _lending = Lending::new(&self.lent);
        Ok(fill(bytes))
    }

    pub(crate) fn error(&self, text: &str) {
        // SAFETY: `raw` is valid, this is the task's thread, and the host only reads `text`, before it
        // returns.
        unsafe { ((*self.raw).error)(self.raw, text.as_ptr().cast(), text.len()) }
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        if self.hooks.get_mut().is_empty() {
            return;
        }
        // SAFETY: `raw` is valid and this is the task's thread. Afterwards no hook runs or will run, so
        // dropping `self.hooks` leaves no pointer to them in use.
        unsafe { ((*self.raw).on_cancel)(self.raw, None, std::ptr::null_mut()) }
        for hook in self.hooks.get_mut().drain(..) {
            swallow(|| drop(hook));
        }
    }
}

/// Sets the flag until it goes out of scope, also by a panic.
struct Lending<'a>(&'a Cell<bool>);

impl<'a> Lending<'a> {
    fn new(lent: &'a Cell<bool>) -> Self {
        lent.set(true);
        Self(lent)
    }
}

impl Drop for Lending<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

/// # Safety
/// `data` must point to a live `Hook`.
unsafe extern "C" fn call_hook(data: *mut c_void) {
    // SAFETY: the caller's promise. A `Hook` is Sync, so a shared reference on a foreign thread is fine.
    let hook = unsafe { &*data.cast::<Hook>() };
    let hook = hook.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(hook) = hook {
        // There is no task to blame, as it may go on.
        swallow(hook);
    }
}

/// Calls what may panic where unwinding into the host would abort the process.
fn swallow(call: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(call)) {
        // Dropping it may panic again.
        std::mem::forget(payload);
    }
}

fn no_memory(length: usize) -> String {
    format!("no memory for {length} bytes of output")
}
