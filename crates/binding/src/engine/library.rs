//! Symbols of V8 and libuv that the runtime's executable exports and that N-API does not offer, looked up
//! at run time. A missing one is no error: every user has another way. Each module looks up what it uses.
//!
//! V8's member functions are called through the C++ ABI of the platform: Itanium's or, on Windows, that of
//! Microsoft's compiler. With both a member function without virtual dispatch is a C function whose first
//! argument is the object, and a `Local<T>`, being one pointer that can be copied bit by bit, is passed like
//! one. They differ in the names, and in how an object is returned; see `cpp`.

use std::ffi::CStr;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

#[cfg(unix)]
use libloading::os::unix::Library;
#[cfg(windows)]
use libloading::os::windows::Library;
use napi::sys;

/// Whether the runtime is Bun, where what looks like libuv and V8 is not.
// ORDERING: set, always to the same, by whoever reads it afterwards.
static IS_BUN: AtomicBool = AtomicBool::new(false);

/// Looks which runtime this is. Before any symbol is looked up.
pub(crate) fn see_runtime(env: sys::napi_env) {
    IS_BUN.store(is_bun(env), Ordering::Relaxed);
}

/// Whether the runtime is Bun, which exports the names of libuv, and some of V8, as stubs that abort or
/// mean something else.
fn is_bun(env: sys::napi_env) -> bool {
    let (mut global, mut is_there) = (ptr::null_mut(), false);
    // SAFETY: a live environment on its thread; out pointers to locals.
    unsafe {
        sys::napi_get_global(env, &mut global) == sys::Status::napi_ok
            && sys::napi_has_named_property(env, global, c"Bun".as_ptr(), &mut is_there)
                == sys::Status::napi_ok
            && is_there
    }
}

/// The symbols of the executable; none where they cannot be trusted.
pub(crate) fn symbols() -> Option<&'static Symbols> {
    static SYMBOLS: OnceLock<Option<Symbols>> = OnceLock::new();
    if IS_BUN.load(Ordering::Relaxed) {
        return None;
    }
    SYMBOLS.get_or_init(|| executable().map(Symbols)).as_ref()
}

/// The program that has loaded us.
#[cfg(unix)]
fn executable() -> Option<Library> {
    Some(Library::this())
}

/// The program that has loaded us: the `.exe`, by whatever name. Where Node is a DLL of another program,
/// none of its symbols is found.
#[cfg(windows)]
fn executable() -> Option<Library> {
    Library::this().ok()
}

/// What the executable exports.
pub(crate) struct Symbols(Library);

impl Symbols {
    /// The symbol of this name.
    ///
    /// # Safety
    /// `T` is a function pointer of the signature that the symbol has, or a plain address.
    pub(crate) unsafe fn find<T: Copy>(&self, name: &CStr) -> Option<T> {
        // SAFETY: the caller's; the executable is never unloaded, so the copy stays good.
        unsafe { self.0.get::<T>(name.to_bytes_with_nul()).ok().map(|symbol| *symbol) }
    }
    /// A function of C++, by the name that it has in the Itanium ABI, and in Microsoft's.
    ///
    /// # Safety
    /// As for `find`, for both names.
    pub(crate) unsafe fn find_cpp<T: Copy>(&self, itanium: &CStr, microsoft: &CStr) -> Option<T> {
        let name = if cfg!(windows) { microsoft } else { itanium };
        // SAFETY: the caller's.
        unsafe { self.find(name) }
    }
}
