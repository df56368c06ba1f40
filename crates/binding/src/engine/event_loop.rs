//! The calls of the event loop's library: libuv's, or, where there is none, a threadsafe function behind
//! the same calls.

use std::sync::OnceLock;

use crate::engine::library::{self, Symbols};
use crate::engine::threadsafe_bell;
use crate::engine::uv::{IdleCalls, Uv, UvAsync};

/// Set, to anything, it takes libuv away, so that a threadsafe function takes the place of its handle.
const FORCE_NO_LIBUV: &str = "CONCURRENT_FUTURES_NO_LIBUV";

fn libuv() -> Option<&'static Uv> {
    static LIBUV: OnceLock<Option<Uv>> = OnceLock::new();
    let find = || {
        let symbols = library::symbols().filter(|_| std::env::var_os(FORCE_NO_LIBUV).is_none())?;
        find_uv(symbols)
    };
    LIBUV.get_or_init(find).as_ref()
}

fn find_uv(symbols: &Symbols) -> Option<Uv> {
    // SAFETY: the signatures are those of libuv's public header, which its ABI keeps within a major version.
    unsafe {
        Some(Uv {
            handle_size: symbols.find(c"uv_handle_size")?,
            async_init: symbols.find(c"uv_async_init")?,
            async_send: symbols.find(c"uv_async_send")?,
            close: symbols.find(c"uv_close")?,
            reference: symbols.find(c"uv_ref")?,
            unreference: symbols.find(c"uv_unref")?,
            idle: find_idle(symbols),
        })
    }
}

fn find_idle(symbols: &Symbols) -> Option<IdleCalls> {
    // SAFETY: the signatures are those of libuv's public header, which its ABI keeps within a major version.
    unsafe {
        Some(IdleCalls {
            init: symbols.find(c"uv_idle_init")?,
            start: symbols.find(c"uv_idle_start")?,
            stop: symbols.find(c"uv_idle_stop")?,
            backend_timeout: symbols.find(c"uv_backend_timeout")?,
        })
    }
}

/// The calls of this runtime.
pub(crate) fn uv() -> &'static Uv {
    /// See [`threadsafe_bell`].
    static SUBSTITUTE: Uv = Uv {
        handle_size: threadsafe_bell::handle_size,
        async_init: threadsafe_bell::init,
        async_send: threadsafe_bell::send,
        close: threadsafe_bell::close,
        reference: threadsafe_bell::reference,
        unreference: threadsafe_bell::unreference,
        idle: None,
    };
    libuv().unwrap_or(&SUBSTITUTE)
}

/// Whether the runtime's own libuv is there: then a handle is opened on its loop, otherwise on the
/// environment.
pub(crate) fn has_libuv() -> bool {
    libuv().is_some()
}

/// Rings; null does nothing. The caller holds the bell's mutex, so the handle is open.
pub(crate) fn send(handle: *mut UvAsync) {
    if !handle.is_null() {
        // SAFETY: an open handle; libuv allows this from any thread.
        unsafe { (uv().async_send)(handle) };
    }
}
