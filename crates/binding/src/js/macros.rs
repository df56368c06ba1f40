//! One call of N-API that writes its answer through a pointer.

// SAFETY (for the macros' users): every N-API call of this module is given an `env` that belongs to the
// calling thread, values that are live in the current handle scope, and out pointers to initialised locals.
macro_rules! out {
    ($type:ty, $init:expr, |$out:ident| $call:expr) => {{
        let mut $out: $type = $init;
        // SAFETY: see above.
        check(unsafe { $call })?;
        Ok::<_, $crate::js::Fault>($out)
    }};
}

macro_rules! value {
    (|$out:ident| $call:expr) => {{
        let mut $out: sys::napi_value = ptr::null_mut();
        // SAFETY: see above.
        check(unsafe { $call })?;
        Ok::<_, $crate::js::Fault>($out)
    }};
}
