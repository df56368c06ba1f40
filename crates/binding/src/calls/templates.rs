//! The templates of small values, by number, for the whole process. What a path means only TypeScript knows
//! (lib/values/template/codes.ts); whoever writes a value sends the number, and each isolate asks once what
//! it stands for.

use std::sync::LazyLock;

use parking_lot::Mutex;

use crate::calls::call::{Answer, Call};
use crate::js;
use crate::tasks::interner::Interner;

/// Each is code in every isolate that has read a value of it, for good. A number takes two bytes.
const MOST: usize = 4_096;

static TEMPLATES: LazyLock<Mutex<Interner>> = LazyLock::new(Mutex::default);

/// `templateNumber(path)`: from 1; 0 if there are too many.
pub(crate) fn number(call: &Call<'_>) -> Answer {
    let path = js::get_text(call.env, call.value(0)?)?;
    let number = TEMPLATES.lock().number(&path, MOST).unwrap_or(0);
    js::double(call.env, f64::from(number))
}

/// `templatePath(number)`
pub(crate) fn path(call: &Call<'_>) -> Answer {
    let path = TEMPLATES.lock().text(call.u32(0)?);
    js::string(call.env, path.as_deref().unwrap_or_default())
}
