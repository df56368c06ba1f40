//! The loading of functions: its end, and what it means for a worker that ends.

use std::sync::Arc;

use pool::Blame;

use crate::tasks::functions;
use crate::values::value::Packed;
use crate::worker::ending::Origin;
use crate::worker::loaded_functions::Loaded;
use crate::worker::worker::WorkerSide;

impl WorkerSide {
    /// A function has been loaded, or has failed to.
    /// With a module that was imported for it, `is_new`.
    pub(crate) fn prepared(&self, function: u32, is_async: bool, is_new: bool) {
        self.preparing.set(None);
        if is_new {
            self.untried.borrow_mut().push(function);
        }
        self.handle.pulse.end_load();
        self.loaded.note(function, if is_async { Loaded::Async } else { Loaded::Sync });
        self.claiming.set(true);
    }

    /// The function could not be loaded, because the system refuses what that takes for now. Whether the
    /// worker is to leave; if not it holds tasks.
    pub(crate) fn leave_refused(&self, cause: Option<Arc<Packed>>) -> bool {
        let leaves = self.worker.borrow().as_ref().is_none_or(|worker| worker.leave_refused(cause));
        if leaves {
            self.preparing.set(None);
            self.handle.pulse.end_load();
        }
        leaves
    }

    /// The functions that are loaded, or were loaded and have begun no task since; the last one first. Of
    /// those that were sent as source only the one that is loaded: they leave nothing behind.
    pub(super) fn loaded_untried(&self) -> impl Iterator<Item = u32> {
        let untried = self.untried.borrow().clone();
        self.preparing.get().into_iter().chain(untried.into_iter().rev())
    }

    /// What may have ended the isolate: what is loaded, or was loaded and has begun no task since. The async
    /// context of what has ended it tells, if it has one.
    pub(super) fn blame(&self) -> Option<Blame> {
        let mut loaded = self.loaded_untried();
        let needs = match self.ending.origin() {
            None => loaded.next(),
            Some(Origin::Initializer) => None,
            Some(Origin::Loading(origin)) => loaded.find(|needs| functions::same_module(origin)(*needs)),
        };
        needs.map(|needs| Blame { needs, covers: functions::same_module(needs) })
    }
}
