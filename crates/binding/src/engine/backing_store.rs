//! The memory of an ArrayBuffer or SharedArrayBuffer, held outside of any isolate: V8's backing store.
//!
//! V8 hands it out as a `std::shared_ptr`; see `shared_ptr`. Where the symbols are missing, as with another
//! C++ library, a transfer is a copy and shared memory is refused.

use std::ffi::c_void;
use std::ptr;
use std::sync::OnceLock;

use napi::sys;

use crate::engine::cpp::{call_method, call_static, method, static_function};
use crate::engine::library::{self, Symbols};
use crate::engine::shared_ptr::{self, Control, SharedPtr};
use crate::engine::v8::{GetCurrent, Isolate, find_get_current};

type Get = method!(sys::napi_value => SharedPtr);
type New = static_function!(*mut Isolate, *mut SharedPtr => *mut c_void);

/// The symbols.
#[derive(Clone, Copy)]
pub(crate) struct BackingStoreCalls {
    current: GetCurrent,
    pub(crate) get: [Address; 2],
    pub(crate) new: [Address; 2],
    pub(crate) data: unsafe extern "C" fn(*const c_void) -> *const u8,
    pub(crate) size: unsafe extern "C" fn(*const c_void) -> usize,
}

/// A function as it is looked up, without its type.
pub(crate) type Address = *const c_void;

// SAFETY: addresses of functions of the executable, which is never unloaded.
unsafe impl Send for BackingStoreCalls {}
// SAFETY: as above.
unsafe impl Sync for BackingStoreCalls {}

impl BackingStoreCalls {
    fn find(symbols: &Symbols) -> Option<BackingStoreCalls> {
        // SAFETY: addresses only, but for the last two, which read a `v8::BackingStore`.
        unsafe {
            Some(BackingStoreCalls {
                current: find_get_current(symbols)?,
                get: [
                    symbols.find_cpp(
                        c"_ZN2v811ArrayBuffer15GetBackingStoreEv",
                        c"?GetBackingStore@ArrayBuffer@v8@@QEAA?AV?$shared_ptr@\
                        VBackingStore@v8@@@std@@XZ",
                    )?,
                    symbols.find_cpp(
                        c"_ZN2v817SharedArrayBuffer15GetBackingStoreEv",
                        c"?GetBackingStore@SharedArrayBuffer@v8@@QEAA?AV?$shared_ptr@\
                        VBackingStore@v8@@@std@@XZ",
                    )?,
                ],
                new: [
                    symbols.find_cpp(
                        c"_ZN2v811ArrayBuffer3NewEPNS_7IsolateESt10shared_ptrINS_12BackingStoreEE",
                        c"?New@ArrayBuffer@v8@@SA?AV?$Local@VArrayBuffer@v8@@@2@PEAVIsolate@2@\
                        V?$shared_ptr@VBackingStore@v8@@@std@@@Z",
                    )?,
                    symbols.find_cpp(
                        c"_ZN2v817SharedArrayBuffer3NewEPNS_7IsolateE\
                        St10shared_ptrINS_12BackingStoreEE",
                        c"?New@SharedArrayBuffer@v8@@SA?AV?$Local@\
                        VSharedArrayBuffer@v8@@@2@PEAVIsolate@2@V?$shared_ptr@VBackingStore@v8@@@std@@@Z",
                    )?,
                ],
                data: symbols
                    .find_cpp(c"_ZNK2v812BackingStore4DataEv", c"?Data@BackingStore@v8@@QEBAPEAXXZ")?,
                size: symbols.find_cpp(
                    c"_ZNK2v812BackingStore10ByteLengthEv",
                    c"?ByteLength@BackingStore@v8@@QEBA_KXZ",
                )?,
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
        let pointer: SharedPtr = unsafe {
            let get: Get = std::mem::transmute::<Address, Get>(calls.get[usize::from(is_shared)]);
            call_method!(get, buffer)
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
        let local: *mut c_void = unsafe {
            let new: New = std::mem::transmute::<Address, New>(calls.new[usize::from(self.is_shared)]);
            call_static!(new, (calls.current)(), &mut argument)
        };
        // V8 has taken the temporary's use, and left null, or has copied it.
        shared_ptr::end_argument(argument);
        (!local.is_null()).then_some(local.cast())
    }

    /// The memory, for a task of another process; `None` if it is shared, so that others may write to it.
    /// Those that are not shared belong to nobody once their buffer has moved into a task.
    pub(crate) fn bytes(&self) -> Option<&[u8]> {
        let calls = calls().filter(|_| !self.is_shared)?;
        // SAFETY: the object is a `v8::BackingStore`, which our use keeps alive.
        let (data, size) = unsafe { ((calls.data)(self.object), (calls.size)(self.object)) };
        if data.is_null() {
            return Some(&[]);
        }
        // SAFETY: V8 says that so many bytes lie there, and keeps them as long as the store. Until the buffer
        // is detached its isolate is in the call that submits it, and writes nothing.
        Some(unsafe { std::slice::from_raw_parts(data, size) })
    }

    fn clone_pointer(&self) -> SharedPtr {
        // SAFETY: our own use keeps the control block alive.
        unsafe { SharedPtr::another(self.object, self.control) }
    }
}

impl AsRef<[u8]> for BackingStore {
    fn as_ref(&self) -> &[u8] {
        self.bytes().unwrap_or_default()
    }
}

impl Drop for BackingStore {
    fn drop(&mut self) {
        shared_ptr::release(self.control);
        self.control = ptr::null_mut();
    }
}
