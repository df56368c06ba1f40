//! Which functions a worker has loaded, and which of them return promises.

use std::cell::RefCell;

use crate::js::shared_enum;
use crate::tasks::functions::FunctionUses;

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
    uses: RefCell<FunctionUses>,
}

impl LoadedFunctions {
    pub(crate) fn of(&self, function: u32) -> Loaded {
        self.functions.borrow().get(function as usize).copied().unwrap_or_default()
    }

    pub(crate) fn note(&self, function: u32, is: Loaded) {
        // Where nobody can submit it any more its number may soon be another function's.
        if self.of(function) == Loaded::No && !self.uses.borrow_mut().add(function) {
            return;
        }
        let mut functions = self.functions.borrow_mut();
        let index = function as usize;
        if functions.len() <= index {
            functions.resize(index + 1, Loaded::No);
        }
        functions[index] = is;
    }

    /// The function is not loaded any more.
    pub(crate) fn forget(&self, function: u32) {
        let mut functions = self.functions.borrow_mut();
        if let Some(loaded) = functions.get_mut(function as usize)
            && std::mem::take(loaded) != Loaded::No
        {
            self.uses.borrow_mut().release(function);
        }
    }
}
