//! The doorbell's handle where there is no libuv: a threadsafe function of N-API behind the few calls of a
//! `uv_async_t` that the binding makes. Rings that come before the callback has begun are one ring, as with
//! libuv.

use std::ffi::{c_int, c_void};
use std::mem::size_of;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

use napi::sys;

use crate::engine::uv::{AsyncCallback, CloseCallback, UvAsync};

#[repr(C)]
struct Ring {
    /// First, as in every handle of libuv.
    data: *mut c_void,
    function: sys::napi_threadsafe_function,
    env: sys::napi_env,
    callback: AsyncCallback,
    is_rung: AtomicBool,
    is_closed: AtomicBool,
}

pub(crate) unsafe extern "C" fn handle_size(_kind: c_int) -> usize {
    size_of::<Ring>()
}

/// Like `uv_async_init`, with the environment for the loop.
pub(crate) unsafe extern "C" fn init(
    env: *mut c_void,
    handle: *mut UvAsync,
    callback: AsyncCallback,
) -> c_int {
    let env: sys::napi_env = env.cast();
    let (mut name, mut function) = (ptr::null_mut(), ptr::null_mut());
    const NAME: &[u8] = b"concurrent-futures";
    // SAFETY: a live environment on its thread; the name is text of that length; out pointers to locals;
    // the context is the handle, whose memory is never freed.
    let status = unsafe {
        sys::napi_create_string_utf8(env, NAME.as_ptr().cast(), NAME.len() as isize, &mut name);
        sys::napi_create_threadsafe_function(
            env,
            ptr::null_mut(),
            ptr::null_mut(),
            name,
            0,
            1,
            ptr::null_mut(),
            None,
            handle,
            Some(on_call),
            &mut function,
        )
    };
    if status != sys::Status::napi_ok {
        return -1;
    }
    let ring = Ring {
        data: ptr::null_mut(),
        function,
        env,
        callback,
        is_rung: AtomicBool::new(false),
        is_closed: AtomicBool::new(false),
    };
    // SAFETY: `Uv::open` has made it of at least `handle_size` bytes, aligned to 8; nobody else has it yet.
    unsafe { handle.cast::<Ring>().write(ring) };
    0
}

/// What `handle` is.
///
/// # Safety
/// A handle that `init` has made; see there for how long it lives.
unsafe fn ring<'a>(handle: *mut UvAsync) -> &'a Ring {
    // SAFETY: the caller's; its memory is never freed, and what changes in it after `init` is atomic, but
    // for `data`, which is written before the handle is shown to other threads.
    unsafe { &*handle.cast::<Ring>() }
}

pub(crate) unsafe extern "C" fn send(handle: *mut UvAsync) -> c_int {
    // SAFETY: the caller holds the bell's mutex, so the handle is open.
    let ring = unsafe { ring(handle) };
    if ring.is_rung.swap(true, Ordering::AcqRel) {
        return 0;
    }
    // SAFETY: an open function; N-API allows this from any thread.
    let status = unsafe {
        sys::napi_call_threadsafe_function(
            ring.function,
            ptr::null_mut(),
            sys::ThreadsafeFunctionCallMode::nonblocking,
        )
    };
    if status != sys::Status::napi_ok {
        ring.is_rung.store(false, Ordering::Release);
    }
    status
}

unsafe extern "C" fn on_call(
    env: sys::napi_env,
    _function: sys::napi_value,
    handle: *mut c_void,
    _data: *mut c_void,
) {
    // SAFETY: the context of `init`.
    let ring = unsafe { ring(handle) };
    ring.is_rung.store(false, Ordering::Release);
    if env.is_null() || ring.is_closed.load(Ordering::Acquire) {
        return;
    }
    // SAFETY: on the isolate's thread; the handle is open, so its data is alive.
    unsafe { (ring.callback)(handle) };
}

pub(crate) unsafe extern "C" fn close(handle: *mut UvAsync, closed: CloseCallback) {
    // SAFETY: an open handle, on its isolate's thread, closed once; nobody rings it any more.
    unsafe {
        let ring = ring(handle);
        ring.is_closed.store(true, Ordering::Release);
        sys::napi_release_threadsafe_function(ring.function, sys::ThreadsafeFunctionReleaseMode::abort);
        closed(handle);
    }
}

pub(crate) unsafe extern "C" fn reference(handle: *mut UvAsync) {
    // SAFETY: an open handle, on its isolate's thread.
    unsafe {
        let ring = ring(handle);
        sys::napi_ref_threadsafe_function(ring.env, ring.function);
    }
}

pub(crate) unsafe extern "C" fn unreference(handle: *mut UvAsync) {
    // SAFETY: as above.
    unsafe {
        let ring = ring(handle);
        sys::napi_unref_threadsafe_function(ring.env, ring.function);
    }
}
