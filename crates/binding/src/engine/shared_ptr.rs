//! `std::shared_ptr` as V8 hands it out and takes it, in the layout of the C++ library that the names of the
//! symbols belong to: libstdc++ (`St10shared_ptr`), or that of Microsoft's compiler. Both keep it stable, and
//! it is nearly the same: two pointers, to the object and to a control block, which begins with its vtable
//! and two 32-bit counts, uses and weak.

use std::ffi::c_void;
use std::sync::atomic::{AtomicI32, Ordering};

#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct SharedPtr {
    pub(super) object: *mut c_void,
    pub(super) control: *mut Control,
    /// Never written: it makes the struct too large for registers, so that in the Itanium ABI it is returned
    /// through memory, as a C++ class with a destructor is.
    padding: [usize; 2],
}

#[repr(C)]
pub(super) struct Control {
    vtable: *const [unsafe extern "C" fn(*mut Control); 4],
    uses: AtomicI32,
    weaks: AtomicI32,
}

/// Places in the vtable of `std::_Sp_counted_base`, after the two destructors.
#[cfg(not(windows))]
const DISPOSE: usize = 2;
#[cfg(not(windows))]
const DESTROY: usize = 3;

/// Places in the vtable of `std::_Ref_count_base`.
#[cfg(windows)]
const DISPOSE: usize = 0;
#[cfg(windows)]
const DESTROY: usize = 1;

impl SharedPtr {
    /// One more use of the object.
    ///
    /// # Safety
    /// The two belong together, and the control block is alive.
    pub(super) unsafe fn another(object: *mut c_void, control: *mut Control) -> SharedPtr {
        // SAFETY: the caller's.
        unsafe { (*control).uses.fetch_add(1, Ordering::Relaxed) };
        SharedPtr { object, control, padding: [0; 2] }
    }
}

/// Ends the temporary that was an argument. In the Itanium ABI the caller destroys it; in Microsoft's the
/// function that was called has.
pub(super) fn end_argument(argument: SharedPtr) {
    if !cfg!(windows) {
        release(argument.control);
    }
}

/// Gives one use back, as `std::shared_ptr`'s destructor does.
pub(super) fn release(control: *mut Control) {
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
