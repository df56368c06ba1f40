//! libuv's handle by which another thread wakes an event loop.

use std::ffi::{c_int, c_void};

use crate::engine;

/// A `uv_async_t`, seen from outside.
pub(crate) type UvAsync = c_void;
pub(crate) type AsyncCallback = unsafe extern "C" fn(*mut UvAsync);
pub(crate) type CloseCallback = unsafe extern "C" fn(*mut UvAsync);

/// The symbols; see `engine`.
#[derive(Clone, Copy)]
pub(crate) struct Uv {
    pub(crate) handle_size: unsafe extern "C" fn(c_int) -> usize,
    pub(crate) async_init: unsafe extern "C" fn(*mut c_void, *mut UvAsync, AsyncCallback) -> c_int,
    pub(crate) async_send: unsafe extern "C" fn(*mut UvAsync) -> c_int,
    pub(crate) close: unsafe extern "C" fn(*mut UvAsync, CloseCallback),
    pub(crate) reference: unsafe extern "C" fn(*mut UvAsync),
    pub(crate) unreference: unsafe extern "C" fn(*mut UvAsync),
}

/// Rings; null does nothing. The caller holds the gate, so the handle is open.
pub(crate) fn send(handle: *mut UvAsync) {
    if !handle.is_null() {
        // SAFETY: an open handle; libuv allows this from any thread.
        unsafe { (engine::uv().async_send)(handle) };
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
