//! Isolates that a debugger has paused at a breakpoint: as long as there is one, the clocks of all tasks
//! stand still.
//!
//! Each isolate says of itself when it is paused and when it is resumed (lib/pool/debugger.ts). One that ends
//! while it is paused counts as resumed.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use pool::Pause;

/// How many isolates are paused. The clocks are stopped and resumed under this mutex, so that they end up
/// as the count says.
static PAUSED: Mutex<usize> = Mutex::new(0);

/// Whether an inspector listens, as the main thread has seen it: other threads cannot see it themselves.
// ORDERING: workers are started after it is set, which orders it before all they do.
static INSPECTED: AtomicBool = AtomicBool::new(false);

/// What an isolate knows of it.
#[derive(Default)]
pub(crate) struct Breakpoint {
    is_paused: Cell<bool>,
}

impl Breakpoint {
    /// The isolate is paused, or resumed.
    pub(crate) fn set(&self, is_paused: bool) {
        if self.is_paused.replace(is_paused) == is_paused {
            return;
        }
        let mut count = PAUSED.lock();
        *count = if is_paused { *count + 1 } else { *count - 1 };
        Pause::set(*count > 0);
    }
}

/// Whether some isolate is paused.
pub(crate) fn any_paused() -> bool {
    *PAUSED.lock() > 0
}

/// An inspector listens.
pub(crate) fn note_inspector() {
    INSPECTED.store(true, Ordering::Relaxed);
}

/// Whether that was noted.
pub(crate) fn is_inspected() -> bool {
    INSPECTED.load(Ordering::Relaxed)
}
