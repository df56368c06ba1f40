//! How much of the calling thread's stack is left: what bounds the nesting of tasks.

use crate::engine::v8;

/// Whether at least half of the calling thread's stack is left. True where that cannot be told.
pub(crate) fn is_half_free() -> bool {
    let here = 0u8;
    let here = std::ptr::from_ref(&here).addr();
    USABLE.get().or_else(bounds).is_none_or(|(low, size)| here.saturating_sub(low) >= size / 2)
}

/// What JavaScript on a main thread may use of its stack unless V8 is told otherwise; what that of a child
/// gets, if the system has let its stack become so large; and what is left to native code, as Node leaves it
/// in a Worker.
const OF_MAIN_THREAD: usize = 984 << 10;
const OF_CHILD: usize = 16 << 20;
const FOR_NATIVE_CODE: usize = 192 << 10;

/// Gives the JavaScript of a child's main thread more stack: tasks lie on each other there. Where the user
/// says by a flag how much it is, that stays.
pub(crate) fn widen() {
    let is_given = std::env::args_os().any(|arg| {
        let flag = arg.to_string_lossy().replace('_', "-");
        flag.starts_with("--stack-size")
    });
    let Some((low, size)) = bounds().filter(|_| !is_given) else { return };
    let top = low + size;
    let wanted = OF_CHILD.min(size.saturating_sub(FOR_NATIVE_CODE));
    // SAFETY: the stack ends so much lower that native code has what it has in a Worker.
    let is_set = wanted > OF_MAIN_THREAD && unsafe { v8::set_stack_limit(top - wanted) };
    let usable = if is_set { wanted } else { OF_MAIN_THREAD.min(size) };
    USABLE.set(Some((top - usable, usable)));
}

thread_local! {
    /// Of that what JavaScript may use, if that is less.
    static USABLE: std::cell::Cell<Option<(usize, usize)>> = const { std::cell::Cell::new(None) };
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

#[cfg(windows)]
fn bounds() -> Option<(usize, usize)> {
    #[link(name = "kernel32")]
    unsafe extern "system" {
        fn GetCurrentThreadStackLimits(low: *mut usize, high: *mut usize);
    }
    let (mut low, mut high) = (0, 0);
    // SAFETY: only looks at the calling thread; out pointers to locals.
    unsafe { GetCurrentThreadStackLimits(&mut low, &mut high) };
    Some((low, high.saturating_sub(low)))
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "macos", windows)))]
fn bounds() -> Option<(usize, usize)> {
    None
}
