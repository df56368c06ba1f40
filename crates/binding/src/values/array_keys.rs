//! The names that an array has beside its elements, which N-API gives only together with all the indices.

use std::ffi::c_int;
use std::sync::OnceLock;

use napi::sys;

use crate::engine::cpp::{call_method, method};
use crate::engine::library::{self, Symbols};
use crate::engine::v8::{Current, Local};
use crate::js::{self, Env, Fault};

/// The symbols.
#[derive(Clone, Copy)]
pub(crate) struct KeyCalls {
    pub(crate) current: Current,
    /// `v8::Object::GetPropertyNames`; the numbers are those of V8's public enums.
    pub(crate) get: method!(sys::napi_value, Local, c_int, c_int, c_int, c_int => sys::napi_value),
}

impl KeyCalls {
    fn find(symbols: &Symbols) -> Option<KeyCalls> {
        // SAFETY: a member of `v8::Object`; its enums are ints. See `library` for how it is called.
        unsafe {
            Some(KeyCalls {
                current: Current::find(symbols)?,
                get: symbols.find_cpp(
                    c"_ZN2v86Object16GetPropertyNamesENS_5LocalINS_7ContextEEENS_17KeyCollectionMode\
                    ENS_14PropertyFilterENS_11IndexFilterENS_17KeyConversionModeE",
                    c"?GetPropertyNames@Object@v8@@QEAA?AV?$MaybeLocal@VArray@v8@@@2@\
                    V?$Local@VContext@v8@@@2@\
                    W4KeyCollectionMode@2@W4PropertyFilter@2@W4IndexFilter@2@W4KeyConversionMode@2@@Z",
                )?,
            })
        }
    }
}

/// The call, where the runtime has it.
fn calls() -> Option<&'static KeyCalls> {
    static FOUND: OnceLock<Option<KeyCalls>> = OnceLock::new();
    FOUND.get_or_init(|| library::symbols().and_then(KeyCalls::find)).as_ref()
}

const OWN_ONLY: c_int = 0;
const ONLY_ENUMERABLE_SKIP_SYMBOLS: c_int = 2 | 16;
const SKIP_INDICES: c_int = 1;
const CONVERT_TO_STRING: c_int = 0;

/// Whether an array has enumerable own properties, besides elements, whose names are strings; `None` where
/// V8 cannot be asked.
///
/// # Safety
/// `array` is an array, no proxy, of the isolate whose thread this is, in a call from its JavaScript.
pub(crate) unsafe fn has_named_keys(env: Env, array: sys::napi_value) -> Result<Option<bool>, Fault> {
    let Some(calls) = calls() else { return Ok(None) };
    // SAFETY: the caller's; a `napi_value` of Node is the slot of a `Local`, which is what a member
    // function takes as its object. Looking at the keys of an object that is no proxy runs no JavaScript.
    let list: sys::napi_value = unsafe {
        let context = calls.current.context(calls.current.isolate());
        let (filter, indices) = (ONLY_ENUMERABLE_SKIP_SYMBOLS, SKIP_INDICES);
        call_method!(calls.get, array, context, OWN_ONLY, filter, indices, CONVERT_TO_STRING)
    };
    if list.is_null() {
        return Err(Fault::Pending);
    }
    Ok(Some(js::length(env, list)? > 0))
}
