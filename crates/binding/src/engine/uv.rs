//! libuv's handle by which another thread wakes an event loop.

use std::ffi::{c_int, c_void};

/// A `uv_async_t`, seen from outside.
pub(crate) type UvAsync = c_void;
pub(crate) type AsyncCallback = unsafe extern "C" fn(*mut UvAsync);
pub(crate) type CloseCallback = unsafe extern "C" fn(*mut UvAsync);

/// A `uv_idle_t`, seen from outside.
pub(crate) type UvIdle = c_void;

pub(crate) type IdleCallback = unsafe extern "C" fn(*mut UvIdle);

/// The calls of an idle handle.
#[derive(Clone, Copy)]
pub(crate) struct IdleCalls {
    pub(crate) init: unsafe extern "C" fn(*mut c_void, *mut UvIdle) -> c_int,
    pub(crate) start: unsafe extern "C" fn(*mut UvIdle, IdleCallback) -> c_int,
    pub(crate) stop: unsafe extern "C" fn(*mut UvIdle) -> c_int,
    pub(crate) backend_timeout: unsafe extern "C" fn(*const c_void) -> c_int,
}

/// The symbols; see `event_loop`.
#[derive(Clone, Copy)]
pub(crate) struct Uv {
    pub(crate) handle_size: unsafe extern "C" fn(c_int) -> usize,
    pub(crate) async_init: unsafe extern "C" fn(*mut c_void, *mut UvAsync, AsyncCallback) -> c_int,
    pub(crate) async_send: unsafe extern "C" fn(*mut UvAsync) -> c_int,
    pub(crate) close: unsafe extern "C" fn(*mut UvAsync, CloseCallback),
    pub(crate) reference: unsafe extern "C" fn(*mut UvAsync),
    pub(crate) unreference: unsafe extern "C" fn(*mut UvAsync),
    pub(crate) idle: Option<IdleCalls>,
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
        let handle = self.memory(UV_ASYNC);
        // SAFETY: zeroed, aligned memory of at least the handle's size; `data` is the handle's first member.
        unsafe {
            if (self.async_init)(event_loop, handle, callback) != 0 {
                return std::ptr::null_mut();
            }
            *handle.cast::<*mut c_void>() = data;
        }
        handle
    }

    /// A new idle handle on `event_loop`, with `data`, that does not keep the loop alive. Null where there
    /// is none.
    pub(crate) fn open_idle(&self, event_loop: *mut c_void, data: *mut c_void) -> *mut UvIdle {
        const UV_IDLE: c_int = 6;
        let Some(idle) = self.idle else { return std::ptr::null_mut() };
        let handle = self.memory(UV_IDLE);
        // SAFETY: as in `open`.
        unsafe {
            if (idle.init)(event_loop, handle) != 0 {
                return std::ptr::null_mut();
            }
            *handle.cast::<*mut c_void>() = data;
            (self.unreference)(handle);
        }
        handle
    }

    /// Zeroed memory for a handle of a kind of libuv's, which is never freed; see `close`.
    fn memory(&self, kind: c_int) -> *mut c_void {
        // SAFETY: asks for a size.
        let size = unsafe { (self.handle_size)(kind) };
        let memory = vec![0u64; size.div_ceil(8).max(16)].into_boxed_slice();
        Box::into_raw(memory).cast()
    }

    /// Closes a handle on its loop's thread. Its few bytes are never freed: a late look at them must stay
    /// harmless.
    pub(crate) fn close(&self, handle: *mut UvAsync, closed: CloseCallback) {
        // SAFETY: an open handle of this thread's loop, closed once.
        unsafe { (self.close)(handle, closed) };
    }

    /// Says whether the handle keeps the loop alive. On the loop's thread.
    pub(crate) fn keep_loop_alive(&self, handle: *mut UvAsync, held: bool) {
        // SAFETY: an open handle of this thread's loop.
        unsafe { if held { (self.reference)(handle) } else { (self.unreference)(handle) } }
    }
}

/// What a handle was opened with.
///
/// # Safety
/// A handle that `Uv` has opened, on its loop's thread.
pub(crate) unsafe fn handle_data(handle: *mut UvAsync) -> *mut c_void {
    // SAFETY: `data` is the first member of every libuv handle; the rest is the caller's.
    unsafe { *handle.cast::<*mut c_void>() }
}
