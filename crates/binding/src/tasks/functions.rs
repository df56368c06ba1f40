//! The JavaScript functions that tasks call, by number, for the whole process. A number stands for a text: a
//! module's URL and a key, or a source. TypeScript makes and reads the text (lib/tasks/functions.ts).

use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

use parking_lot::Mutex;

use crate::tasks::interner::Interner;

#[derive(Default)]
struct Functions {
    texts: Interner,
    /// Those that have returned a promise, in whatever isolate.
    asynchronous: HashSet<u32>,
}

static FUNCTIONS: LazyLock<Mutex<Functions>> = LazyLock::new(Mutex::default);

/// The number of this text, from 1; a new one if it has none.
pub(crate) fn number(text: &str) -> u32 {
    // There is none too many: a function that was accepted must be found.
    FUNCTIONS.lock().texts.number(text, usize::MAX).unwrap_or(0)
}

/// Whether the function comes from a module.
pub(crate) fn has_module(number: u32) -> bool {
    text(number).is_some_and(|text| text.starts_with("{\"module\":"))
}

pub(crate) fn text(number: u32) -> Option<Arc<str>> {
    FUNCTIONS.lock().texts.text(number)
}

/// The function has returned a promise.
pub(crate) fn note_async(number: u32) {
    FUNCTIONS.lock().asynchronous.insert(number);
}

/// Whether the function is known to return promises.
pub(crate) fn is_async(number: u32) -> bool {
    FUNCTIONS.lock().asynchronous.contains(&number)
}
