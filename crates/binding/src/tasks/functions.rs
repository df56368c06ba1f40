//! The JavaScript functions that tasks call, by number, for the whole process. A number stands for a text: a
//! module's URL and a key, or a source. TypeScript makes and reads the text (lib/tasks/functions.ts).

use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

use parking_lot::Mutex;
use pool::Needs;

use crate::tasks::interner::Interner;

#[derive(Default)]
struct Functions {
    texts: Interner,
    /// The URLs of modules, and the number of that of each function; 0 for one that was sent as source.
    urls: Interner,
    modules: Vec<u32>,
    /// Those that have returned a promise, in whatever isolate.
    asynchronous: HashSet<u32>,
}

static FUNCTIONS: LazyLock<Mutex<Functions>> = LazyLock::new(Mutex::default);

/// The number of this text, from 1; a new one if it has none.
pub(crate) fn number(text: &str) -> u32 {
    let mut functions = FUNCTIONS.lock();
    // There is none too many: a function that was accepted must be found.
    let number = functions.texts.number(text, usize::MAX).unwrap_or(0);
    if functions.modules.len() < number as usize {
        let url = url_in(text).and_then(|url| functions.urls.number(url, usize::MAX));
        functions.modules.push(url.unwrap_or(0));
    }
    number
}

/// The URL of the module in a text, as it is written there.
fn url_in(text: &str) -> Option<&str> {
    let url = text.strip_prefix("{\"module\":\"")?;
    let mut is_escaped = false;
    let end = url.bytes().position(|byte| {
        let ends = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    });
    url.get(..end?)
}

/// Whether another function comes from the same module as this one, or is the same.
pub(crate) fn same_module(number: u32) -> Needs {
    let module = module_of(&FUNCTIONS.lock(), number);
    Arc::new(move |other| other == number || (module != 0 && module_of(&FUNCTIONS.lock(), other) == module))
}

fn module_of(functions: &Functions, number: u32) -> u32 {
    functions.modules.get((number as usize).wrapping_sub(1)).copied().unwrap_or(0)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_of_one_module_belong_together_and_those_sent_as_source_stand_alone() {
        let of = |url: &str, key: &str| number(&format!("{{\"module\":\"{url}\",\"key\":\"{key}\"}}"));
        let (one, two, other) = (of("file:///a", "one"), of("file:///a", "two"), of("file:///a\\\"b", "one"));
        let source = number("{\"source\":\"() => 1\",\"name\":\"\"}");
        let twin = number("{\"source\":\"() => 2\",\"name\":\"\"}");
        let covered = |number: u32| [one, two, other, source, twin].map(|it| same_module(number)(it));
        assert_eq!(covered(two), [true, true, false, false, false]);
        assert_eq!(covered(other), [false, false, true, false, false]);
        assert_eq!(covered(source), [false, false, false, true, false]);
    }
}
