//! Which functions a worker has loaded, and which of them return promises.

use std::cell::RefCell;

use crate::js::shared_enum;

shared_enum! {
    /// Whether a worker has loaded a function. The answers of `prepareNow`.
    #[derive(Default)]
    pub(crate) enum Loaded = "LOADED": i32 {
        #[default]
        No = 0,
        /// Loaded, or has failed to load; as far as is known it returns without awaiting.
        Sync = 1,
        /// Loaded; it returns promises.
        Async = 2,
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
