//! How much of the calling thread's stack is left: what bounds the nesting of tasks.

/// Whether at least half of the calling thread's stack is left. True where that cannot be told.
pub(crate) fn is_half_free() -> bool {
    let here = 0u8;
    let here = std::ptr::from_ref(&here).addr();
    bounds().is_none_or(|(low, size)| here.saturating_sub(low) >= size / 2)
}

/// The lowest address and the size.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn bounds() -> Option<(usize, usize)> {
    thread_local! {
        static BOUNDS: Option<(usize, usize)> = read();
    }
    fn read() -> Option<(usize, usize)> {
        let mut attributes = std::mem::MaybeUninit::uninit();
        let (mut low, mut size) = (std::ptr::null_mut(), 0);
        // SAFETY: the attributes are written by the first call, read by the second and destroyed once; the
        // other pointers are to locals.
        unsafe {
            if libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) != 0 {
                return None;
            }
            let failed = libc::pthread_attr_getstack(attributes.as_ptr(), &mut low, &mut size) != 0;
            libc::pthread_attr_destroy(attributes.as_mut_ptr());
            (!failed).then_some((low.addr(), size))
        }
    }
    BOUNDS.with(|bounds| *bounds)
}

#[cfg(target_os = "macos")]
fn bounds() -> Option<(usize, usize)> {
    // SAFETY: both only look at the calling thread.
    unsafe {
        let thread = libc::pthread_self();
        let size = libc::pthread_get_stacksize_np(thread);
        Some(((libc::pthread_get_stackaddr_np(thread) as usize).saturating_sub(size), size))
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "macos")))]
fn bounds() -> Option<(usize, usize)> {
    None
}
