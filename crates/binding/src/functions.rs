//! The JavaScript functions that tasks call, by number, for the whole process. A number stands for a text: a
//! module's URL and a key, or a source. TypeScript makes and reads the text (lib/functions.ts).

use std::collections::HashSet;
use std::sync::LazyLock;

use parking_lot::Mutex;

use crate::calls::{Answer, Call};
use crate::js;
use crate::texts::Texts;

#[derive(Default)]
struct Functions {
    texts: Texts,
    /// Those that have returned a promise, in whatever isolate.
    asynchronous: HashSet<u32>,
}

static FUNCTIONS: LazyLock<Mutex<Functions>> = LazyLock::new(Mutex::default);

/// `functionNumber(text)`: the number of this text, from 1; a new one if it has none.
pub(crate) fn number(call: &Call<'_>) -> Answer {
    let text = js::get_text(call.env, call.value(0)?)?;
    // There is none too many: a function that was accepted must be found.
    let number = FUNCTIONS.lock().texts.number(&text, usize::MAX).unwrap_or(0);
    js::double(call.env, f64::from(number))
}

/// `functionText(number)`
pub(crate) fn text(call: &Call<'_>) -> Answer {
    let text = FUNCTIONS.lock().texts.text(call.u32(0)?);
    js::string(call.env, text.as_deref().unwrap_or_default())
}

/// The function has returned a promise.
pub(crate) fn note_async(number: u32) {
    FUNCTIONS.lock().asynchronous.insert(number);
}

/// Whether the function is known to return promises.
pub(crate) fn is_async(number: u32) -> bool {
    FUNCTIONS.lock().asynchronous.contains(&number)
}
