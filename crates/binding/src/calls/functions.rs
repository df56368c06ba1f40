//! Numbers for functions.

use std::sync::Arc;

use napi::sys;

use crate::calls::call::{Answer, Call, nothing};
use crate::js;
use crate::tasks::functions;

/// `functionNumber(text, name)`: the number of this text, from 1; a new one if it has none. The isolate is
/// one more of its users.
pub(crate) fn number(call: &Call<'_>) -> Answer {
    let text = js::get_text(call.env, call.value(0)?)?;
    let name = js::get_text(call.env, call.value(1)?)?;
    let number = call.state.functions.borrow_mut().number(&text, &name);
    js::double(call.env, f64::from(number))
}

/// `releaseFunction(number)`: one user less.
pub(crate) fn release(call: &Call<'_>) -> Answer {
    call.state.functions.borrow_mut().release(call.u32(0)?);
    nothing(call)
}

/// `functionText(number)`: '' if it was forgotten.
pub(crate) fn text(call: &Call<'_>) -> Answer {
    answer(call, functions::text(call.u32(0)?))
}

/// `functionName(number)`: '' if it was forgotten.
pub(crate) fn name(call: &Call<'_>) -> Answer {
    answer(call, functions::name(call.u32(0)?))
}

fn answer(call: &Call<'_>, text: Option<Arc<str>>) -> Result<sys::napi_value, js::Fault> {
    js::string(call.env, text.as_deref().unwrap_or_default())
}
