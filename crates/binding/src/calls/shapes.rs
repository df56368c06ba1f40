//! The shapes of plain objects, by number, for the whole process (lib/values/plain/shapes.ts): whoever writes
//! a value sends the number, and each isolate asks once what it stands for.

use std::sync::LazyLock;

use parking_lot::Mutex;

use crate::calls::call::{Answer, Call};
use crate::js;
use crate::tasks::interner::Interner;

/// Each is code in every isolate that has read a value of it, for good. A number takes two bytes.
const MOST: usize = 4_096;

static SHAPES: LazyLock<Mutex<Interner>> = LazyLock::new(Mutex::default);

/// `shapeNumber(keys)`: from 1; 0 if there are too many.
pub(crate) fn number(call: &Call<'_>) -> Answer {
    let keys = js::get_text(call.env, call.value(0)?)?;
    let number = SHAPES.lock().number(&keys, MOST).unwrap_or(0);
    js::double(call.env, f64::from(number))
}

/// `shapeKeys(number)`
pub(crate) fn keys(call: &Call<'_>) -> Answer {
    let keys = SHAPES.lock().text(call.u32(0)?);
    js::string(call.env, keys.as_deref().unwrap_or_default())
}
