//! Why a worker's isolate ends, as far as its own thread knows.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use crate::tasks::task::Exit;
use crate::values::value::Packed;

/// What the code belongs to that ends a worker, if that is no task.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The loading of this function.
    Loading(u32),
    Initializer,
}

/// What lib/worker has noted.
#[derive(Default)]
pub(crate) struct Ending {
    origin: Cell<Option<Origin>>,
    exit_code: Cell<Option<i32>>,
    cause: RefCell<Option<Arc<Packed>>>,
}

impl Ending {
    /// What ends the worker comes from this. Only the first one counts.
    pub(crate) fn note_origin(&self, origin: Origin) {
        if !self.is_near() && self.origin.get().is_none() {
            self.origin.set(Some(origin));
        }
    }

    pub(crate) fn origin(&self) -> Option<Origin> {
        self.origin.get()
    }

    /// The worker is ending by `process.exit` or a fatal error.
    pub(crate) fn note_exit(&self, code: i32) {
        self.exit_code.set(Some(code));
    }

    /// An error that will end the isolate, unless a listener of the user's handles it. Only the first one
    /// counts.
    pub(crate) fn note_cause(&self, cause: Packed) {
        self.cause.borrow_mut().get_or_insert(Arc::new(cause));
    }

    /// The error was handled.
    pub(crate) fn forget_cause(&self) {
        self.origin.set(None);
        self.cause.borrow_mut().take();
    }

    /// Whether anything was noted.
    pub(crate) fn is_near(&self) -> bool {
        self.cause.borrow().is_some() || self.exit_code.get().is_some()
    }

    /// The isolate of worker `number` has ended: the exit and the cause of what is lost with it.
    pub(crate) fn take(&self, number: u32) -> (Option<Exit>, Option<Arc<Packed>>) {
        let cause = self.cause.borrow_mut().take();
        // Out of memory, or ended from outside: only the thread that started the worker will know why.
        let unknown = || cause.is_none().then_some(Exit::OfWorker(number));
        (self.exit_code.get().map(Exit::Code).or_else(unknown), cause)
    }
}
