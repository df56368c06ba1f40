//! The memory of an ArrayBuffer or SharedArrayBuffer, held outside of any isolate: V8's backing store.
//!
//! V8 hands it out as a `std::shared_ptr`. The symbols that this module looks up name libstdc++'s
//! (`St10shared_ptr`), whose layout is part of that library's stable ABI: two pointers, to the object and
//! to a control block, which begins with its vtable and two 32-bit counts, uses and weak. Where the symbols
//! are missing, as with another C++ library, a transfer is a copy and shared memory is refused.

use std::ffi::c_void;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, Ordering};

use napi::sys;

use crate::engine::library::{self, Symbols};
use crate::engine::v8::Isolate;

#[repr(C)]
#[derive(Clone, Copy)]
struct SharedPtr {
    object: *mut c_void,
    control: *mut Control,
    /// Never written: it makes the struct too large for registers, so that it is returned through memory,
    /// as a C++ class with a destructor is.
    padding: [usize; 2],
}

#[repr(C)]
struct Control {
    vtable: *const [unsafe extern "C" fn(*mut Control); 4],
    uses: AtomicI32,
    weaks: AtomicI32,
}

/// Places in the vtable of `std::_Sp_counted_base`, after the two destructors.
const DISPOSE: usize = 2;
const DESTROY: usize = 3;

type Get = unsafe extern "C" fn(sys::napi_value) -> SharedPtr;
type New = unsafe extern "C" fn(*mut Isolate, *mut SharedPtr) -> *mut c_void;

/// The symbols.
#[derive(Clone, Copy)]
pub(crate) struct BackingStoreCalls {
    pub(crate) current: unsafe extern "C" fn() -> *mut Isolate,
    pub(crate) get: [Address; 2],
    pub(crate) new: [Address; 2],
}

/// A function as it is looked up, without its type.
pub(crate) type Address = *const c_void;

// SAFETY: addresses of functions of the executable, which is never unloaded.
unsafe impl Send for BackingStoreCalls {}
// SAFETY: as above.
unsafe impl Sync for BackingStoreCalls {}

impl BackingStoreCalls {
    fn find(symbols: &Symbols) -> Option<BackingStoreCalls> {
        // SAFETY: addresses only, but for the first, a static member of `v8::Isolate`.
        unsafe {
            Some(BackingStoreCalls {
                current: symbols.find(c"_ZN2v87Isolate10GetCurrentEv")?,
                get: [
                    symbols.find(c"_ZN2v811ArrayBuffer15GetBackingStoreEv")?,
                    symbols.find(c"_ZN2v817SharedArrayBuffer15GetBackingStoreEv")?,
                ],
                new: [
                    symbols
                        .find(c"_ZN2v811ArrayBuffer3NewEPNS_7IsolateESt10shared_ptrINS_12BackingStoreEE")?,
                    symbols.find(
                        c"_ZN2v817SharedArrayBuffer3NewEPNS_7IsolateESt10shared_ptrINS_12BackingStoreEE",
                    )?,
                ],
            })
        }
    }
}

/// The calls, where the runtime has them.
pub(crate) fn calls() -> Option<&'static BackingStoreCalls> {
    static FOUND: OnceLock<Option<BackingStoreCalls>> = OnceLock::new();
    FOUND.get_or_init(|| library::symbols().and_then(BackingStoreCalls::find)).as_ref()
}

/// One use of a backing store.
pub(crate) struct BackingStore {
    object: *mut c_void,
    control: *mut Control,
    is_shared: bool,
}

// SAFETY: the counts are atomic, and V8 allows a backing store to be used and freed on any thread.
unsafe impl Send for BackingStore {}
// SAFETY: through a shared reference the pointer is only copied, which is an atomic count.
unsafe impl Sync for BackingStore {}

impl BackingStore {
    /// The store of a live ArrayBuffer or (`is_shared`) SharedArrayBuffer; `None` where V8 cannot be asked.
    ///
    /// # Safety
    /// `buffer` must be what `is_shared` says.
    pub(crate) unsafe fn of(buffer: sys::napi_value, is_shared: bool) -> Option<BackingStore> {
        let calls = calls()?;
        // SAFETY: the symbol of `GetBackingStore` of that class; a `napi_value` of Node is the slot of the
        // Local.
        let pointer = unsafe {
            let get: Get = std::mem::transmute::<Address, Get>(calls.get[usize::from(is_shared)]);
            get(buffer)
        };
        let SharedPtr { object, control, .. } = pointer;
        (!control.is_null()).then_some(BackingStore { object, control, is_shared })
    }

    /// A new buffer of the current isolate over this store. An ArrayBuffer may be made once only.
    pub(crate) fn open(&self) -> Option<sys::napi_value> {
        let calls = calls()?;
        let mut argument = self.clone_pointer();
        // SAFETY: the symbol of `New(Isolate*, shared_ptr)` of that class, which takes the pointer by
        // reference to a temporary of the caller; this thread has entered its isolate.
        let local = unsafe {
            let new: New = std::mem::transmute::<Address, New>(calls.new[usize::from(self.is_shared)]);
            new((calls.current)(), &mut argument)
        };
        // V8 has taken the temporary's use, and left null, or has copied it.
        release(argument.control);
        (!local.is_null()).then_some(local.cast())
    }

    fn clone_pointer(&self) -> SharedPtr {
        // SAFETY: our own use keeps the control block alive.
        unsafe { (*self.control).uses.fetch_add(1, Ordering::Relaxed) };
        SharedPtr { object: self.object, control: self.control, padding: [0; 2] }
    }
}

impl Drop for BackingStore {
    fn drop(&mut self) {
        release(self.control);
        self.control = ptr::null_mut();
    }
}

/// Gives one use back, as `std::shared_ptr`'s destructor does.
fn release(control: *mut Control) {
    if control.is_null() {
        return;
    }
    // SAFETY: the caller owns one use, so the block is alive; the last use disposes of the object, and the
    // last weak one, of which all uses together hold one, of the block.
    unsafe {
        if (*control).uses.fetch_sub(1, Ordering::AcqRel) == 1 {
            let vtable = &*(*control).vtable;
            vtable[DISPOSE](control);
            if (*control).weaks.fetch_sub(1, Ordering::AcqRel) == 1 {
                vtable[DESTROY](control);
            }
        }
    }
}
