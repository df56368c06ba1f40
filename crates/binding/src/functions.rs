//! The JavaScript functions that tasks call, by number, for the whole process. A number stands for a text: a
//! module's URL and a key, or a source. TypeScript makes and reads the text (lib/functions.ts).

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, LazyLock};

use parking_lot::Mutex;

use crate::calls::{Answer, Call};
use crate::js;

#[derive(Default)]
struct Functions {
    numbers: HashMap<Arc<str>, u32>,
    texts: Vec<Arc<str>>,
    /// Those that have returned a promise, in whatever isolate.
    asynchronous: HashSet<u32>,
}

static FUNCTIONS: LazyLock<Mutex<Functions>> = LazyLock::new(Mutex::default);

/// `functionNumber(text)`: the number of this text, from 1; a new one if it has none.
pub(crate) fn number(call: &Call<'_>) -> Answer {
    let text: Arc<str> = js::get_text(call.env, call.value(0)?)?.into();
    let mut functions = FUNCTIONS.lock();
    let number = match functions.numbers.get(&text) {
        Some(number) => *number,
        None => {
            functions.texts.push(text.clone());
            let number = functions.texts.len() as u32;
            functions.numbers.insert(text, number);
            number
        }
    };
    js::double(call.env, f64::from(number))
}

/// `functionText(number)`
pub(crate) fn text(call: &Call<'_>) -> Answer {
    let index = call.u32(0)? as usize;
    let text = FUNCTIONS.lock().texts.get(index.wrapping_sub(1)).cloned();
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
