//! Why a call of N-API did not succeed, and what becomes of it.

use std::ffi::CString;

use napi::sys;

/// The environment of one isolate, usable on its thread only.
pub(crate) type Env = sys::napi_env;

/// Node's own code for it.
pub(crate) const OUT_OF_MEMORY: &str = "ERR_MEMORY_ALLOCATION_FAILED";

/// Why a native call cannot go on.
pub(crate) enum Fault {
    /// A JavaScript exception is pending, or JavaScript cannot run any more: just return.
    Pending,
    /// Throw this.
    Throw { code: &'static str, message: String },
}

/// What is said where a copy of so many bytes finds no room.
pub(crate) fn no_memory(bytes: usize) -> String {
    format!("no memory for a copy of {bytes} bytes")
}

impl Fault {
    pub(crate) fn internal(message: &str) -> Fault {
        Fault::Throw { code: "ERR_FUTURE_INTERNAL", message: message.to_owned() }
    }

    pub(crate) fn no_memory(bytes: usize) -> Fault {
        Fault::Throw { code: OUT_OF_MEMORY, message: no_memory(bytes) }
    }

    pub(crate) fn invalid_state(message: &str) -> Fault {
        Fault::Throw { code: "ERR_FUTURE_INVALID_STATE", message: message.to_owned() }
    }

    /// Makes it the pending exception.
    pub(crate) fn raise(self, env: Env) {
        if let Fault::Throw { code, message } = self {
            let text = CString::new(message.replace('\0', "")).unwrap_or_default();
            let code = CString::new(code).unwrap_or_default();
            // SAFETY: both strings are NUL-terminated and outlive the call; `env` is the calling isolate's.
            unsafe { sys::napi_throw_error(env, code.as_ptr(), text.as_ptr()) };
        }
    }
}

/// Turns a status into a result.
#[inline]
pub(crate) fn check(status: sys::napi_status) -> Result<(), Fault> {
    if status == sys::Status::napi_ok { Ok(()) } else { Err(fault_of(status)) }
}

#[cold]
fn fault_of(status: sys::napi_status) -> Fault {
    match status {
        sys::Status::napi_pending_exception | sys::Status::napi_cannot_run_js | sys::Status::napi_closing => {
            Fault::Pending
        }
        other => Fault::internal(&format!("N-API status {other}")),
    }
}
