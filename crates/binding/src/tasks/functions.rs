//! The JavaScript functions that tasks call, by number, for the whole process. A number stands for a text: a
//! module's URL and a key, or a source. TypeScript makes and reads the text (lib/tasks/functions.ts).
//!
//! A function is known as long as it has users: isolates in which it can be submitted, or whose tasks of it
//! have not settled, and workers that have loaded it. So a program that makes functions without end does not
//! keep them without end.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, LazyLock};

use parking_lot::Mutex;
use pool::Needs;

/// So many numbers that are free are not used again: a name that is looked up a moment late is none then, and
/// not another function's.
const KEPT_FREE: usize = 4096;

struct Function {
    text: Arc<str>,
    name: Arc<str>,
    /// The URL of its module; none of one that was sent as source.
    module: Option<Arc<str>>,
    users: u32,
    /// Whether it has returned a promise, in whatever isolate.
    is_async: bool,
}

#[derive(Default)]
struct Functions {
    numbers: HashMap<Arc<str>, u32>,
    /// By the number, less one.
    known: Vec<Option<Function>>,
    /// The numbers of those that are forgotten, the first one the longest.
    free: VecDeque<u32>,
}

static FUNCTIONS: LazyLock<Mutex<Functions>> = LazyLock::new(Mutex::default);

impl Functions {
    /// The number of this text, from 1, with one user more; a new one if it has none. There is none too many:
    /// a function that was accepted must be found.
    fn number(&mut self, text: &str, name: &str) -> u32 {
        if let Some(&number) = self.numbers.get(text) {
            self.add_user(number);
            return number;
        }
        let module = url_in(text).map(Arc::from);
        let text: Arc<str> = text.into();
        let function = Function { text: text.clone(), name: name.into(), module, users: 1, is_async: false };
        let reused = if self.free.len() > KEPT_FREE { self.free.pop_front() } else { None };
        let number = reused.unwrap_or_else(|| {
            self.known.push(None);
            self.known.len() as u32
        });
        self.numbers.insert(text, number);
        self.known[number as usize - 1] = Some(function);
        number
    }

    fn get(&mut self, number: u32) -> Option<&mut Function> {
        self.known.get_mut((number as usize).wrapping_sub(1))?.as_mut()
    }

    fn add_user(&mut self, number: u32) -> bool {
        self.get(number).map(|function| function.users += 1).is_some()
    }

    fn remove_users(&mut self, number: u32, count: u32) {
        let Some(function) = self.get(number) else { return };
        function.users = function.users.saturating_sub(count);
        if function.users == 0 {
            let text = function.text.clone();
            self.numbers.remove(&text);
            self.known[number as usize - 1] = None;
            self.free.push_back(number);
        }
    }
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
    let module_of = |number| FUNCTIONS.lock().get(number).and_then(|function| function.module.clone());
    let module = module_of(number);
    Arc::new(move |other| other == number || (module.is_some() && module_of(other) == module))
}

pub(crate) fn text(number: u32) -> Option<Arc<str>> {
    FUNCTIONS.lock().get(number).map(|function| function.text.clone())
}

pub(crate) fn name(number: u32) -> Option<Arc<str>> {
    FUNCTIONS.lock().get(number).map(|function| function.name.clone())
}

/// The function has returned a promise.
pub(crate) fn note_async(number: u32) {
    if let Some(function) = FUNCTIONS.lock().get(number) {
        function.is_async = true;
    }
}

/// Whether the function is known to return promises.
pub(crate) fn is_async(number: u32) -> bool {
    FUNCTIONS.lock().get(number).is_some_and(|function| function.is_async)
}

/// One use of a function; dropping it ends that.
pub(crate) struct FunctionUse(u32);

impl FunctionUse {
    /// A use of the function of this text.
    pub(crate) fn of(text: &str, name: &str) -> FunctionUse {
        FunctionUse(FUNCTIONS.lock().number(text, name))
    }

    pub(crate) fn number(&self) -> u32 {
        self.0
    }
}

impl Drop for FunctionUse {
    fn drop(&mut self) {
        FUNCTIONS.lock().remove_users(self.0, 1);
    }
}

/// The functions of which somebody is a user, each as often as it is one. Dropping it ends that.
#[derive(Default)]
pub(crate) struct FunctionUses(HashMap<u32, u32>);

impl FunctionUses {
    /// The number of this text, for one use more.
    pub(crate) fn number(&mut self, text: &str, name: &str) -> u32 {
        let number = FUNCTIONS.lock().number(text, name);
        *self.0.entry(number).or_default() += 1;
        number
    }

    /// One use more. False if the function was forgotten.
    pub(crate) fn add(&mut self, number: u32) -> bool {
        let is_known = FUNCTIONS.lock().add_user(number);
        if is_known {
            *self.0.entry(number).or_default() += 1;
        }
        is_known
    }

    /// One use less.
    pub(crate) fn release(&mut self, number: u32) {
        let Some(count) = self.0.get_mut(&number) else { return };
        *count -= 1;
        if *count == 0 {
            self.0.remove(&number);
        }
        FUNCTIONS.lock().remove_users(number, 1);
    }
}

impl Drop for FunctionUses {
    fn drop(&mut self) {
        let mut functions = FUNCTIONS.lock();
        for (number, count) in self.0.drain() {
            functions.remove_users(number, count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_known_as_long_as_it_has_users() {
        let (mut one, mut two) = (FunctionUses::default(), FunctionUses::default());
        let number = one.number("text", "name");
        assert_eq!(two.number("text", "name"), number);
        assert!(two.add(number));
        assert_eq!((text(number).as_deref(), name(number).as_deref()), (Some("text"), Some("name")));
        note_async(number);
        one.release(number);
        one.release(number);
        assert!(is_async(number));
        drop(two);
        assert_eq!((text(number), is_async(number), one.add(number)), (None, false, false));
        assert_ne!(one.number("text", "name"), number, "not used again at once");
    }

    #[test]
    fn numbers_of_forgotten_functions_are_used_again() {
        let mut uses = FunctionUses::default();
        let most = (0..4 * KEPT_FREE)
            .map(|n| {
                let number = uses.number(&format!("function {n}"), "");
                uses.release(number);
                number
            })
            .max();
        assert!(most.is_some_and(|most| most as usize <= KEPT_FREE + 16), "{most:?}");
    }

    #[test]
    fn functions_of_one_module_belong_together_and_those_sent_as_source_stand_alone() {
        let mut uses = FunctionUses::default();
        let mut of =
            |url: &str, key: &str| uses.number(&format!("{{\"module\":\"{url}\",\"key\":\"{key}\"}}"), key);
        let (one, two, other) = (of("file:///a", "one"), of("file:///a", "two"), of("file:///a\\\"b", "one"));
        let source = uses.number("{\"source\":\"() => 1\",\"name\":\"\"}", "");
        let twin = uses.number("{\"source\":\"() => 2\",\"name\":\"\"}", "");
        let covered = |number: u32| [one, two, other, source, twin].map(|it| same_module(number)(it));
        assert_eq!(covered(two), [true, true, false, false, false]);
        assert_eq!(covered(other), [false, false, true, false, false]);
        assert_eq!(covered(source), [false, false, false, true, false]);
    }
}
