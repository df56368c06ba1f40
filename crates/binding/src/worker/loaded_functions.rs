//! Which functions a worker has loaded, and which of them return promises.

use std::cell::RefCell;

// Answers of `prepareNow`, and 0. Shared with lib/worker/loader.ts.
const LOADED: i32 = 1;
const LOADED_ASYNC: i32 = 2;

/// Whether a worker has loaded a function.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Loaded {
    #[default]
    No,
    /// Loaded, or has failed to load; as far as is known it returns without awaiting.
    Sync,
    /// Loaded; it returns promises.
    Async,
}

impl Loaded {
    /// Reads an answer of `prepareNow`.
    pub(crate) fn from_answer(answer: i32) -> Loaded {
        match answer {
            LOADED => Loaded::Sync,
            LOADED_ASYNC => Loaded::Async,
            _ => Loaded::No,
        }
    }
}

/// By the number of the function.
#[derive(Default)]
pub(crate) struct LoadedFunctions {
    functions: RefCell<Vec<Loaded>>,
}

impl LoadedFunctions {
    pub(crate) fn of(&self, function: u32) -> Loaded {
        self.functions.borrow().get(function as usize).copied().unwrap_or_default()
    }

    pub(crate) fn note(&self, function: u32, is: Loaded) {
        let mut functions = self.functions.borrow_mut();
        let index = function as usize;
        if functions.len() <= index {
            functions.resize(index + 1, Loaded::No);
        }
        functions[index] = is;
    }
}
