//! Numbers for functions.

use crate::calls::call::{Answer, Call};
use crate::js;
use crate::tasks::functions;

/// `functionNumber(text)`: the number of this text, from 1; a new one if it has none.
pub(crate) fn number(call: &Call<'_>) -> Answer {
    let text = js::get_text(call.env, call.value(0)?)?;
    js::double(call.env, f64::from(functions::number(&text)))
}

/// `functionText(number)`
pub(crate) fn text(call: &Call<'_>) -> Answer {
    let text = functions::text(call.u32(0)?);
    js::string(call.env, text.as_deref().unwrap_or_default())
}
