//! Coalescing rings. A worker that runs tasks of a microsecond would ring its submitter for each, and a
//! ring that wakes a thread costs more than such a task. So while a worker's tasks are short it rings once
//! for many: when enough completions wait for the ring, or it finds nothing more to run, or a task turns
//! out long.
//!
//! Whoever is rung takes all completions, also those for which other workers owe a ring: what was taken is
//! owed no ring any more. So with many workers it is not woken more often than with one.
//!
//! The last is the hazard: a worker that has a ring pending and then runs a long task could not ring. So a
//! *watcher* thread looks every [`LONGEST_DELAY`] at the workers whose rings are coalesced, and rings for
//! those whose oldest completion has waited that long. It parks when there are none.

use std::cell::{Cell, RefCell};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use pool::BackgroundThread;

/// What is rung: the mailbox of an isolate.
pub(crate) trait Ring: Send + Sync {
    fn ring(&self);

    /// A number that changes with each look of its owner, who takes all that was left before it.
    fn looks(&self) -> u32 {
        0
    }
}

/// The most completions that wait for one ring.
const MOST_COALESCED: u32 = 32;
/// About the longest that a completion waits for its ring while its worker runs another task.
const LONGEST_DELAY: Duration = Duration::from_micros(500);
/// After so many looks at which no ring was pending the watcher parks.
const IDLE_LOOKS: u32 = 50;

/// The ring that one worker owes a submitter. Shared with the watcher.
#[derive(Default)]
struct PendingRing {
    /// The mailbox that is to be rung. Locked by the worker for each post and by the watcher for each ring:
    /// hardly ever at the same time.
    owed: Mutex<Option<Owed>>,
    /// How many completions wait for it.
    // ORDERING: reset under the mutex; raised after it, when the mailbox is in its place.
    count: AtomicU32,
    // ORDERING: a hint between worker and watcher; the mailbox' mutex orders what matters.
    seen: AtomicBool,
}

struct Owed {
    mailbox: Arc<dyn Ring>,
    /// [`Ring::looks`], read after the completion was left in the mailbox: if it is another one by now, that
    /// completion was taken.
    looks: u32,
}

impl Owed {
    fn is_to<R: Ring>(&self, mailbox: &Arc<R>) -> bool {
        ptr::addr_eq(Arc::as_ptr(&self.mailbox), Arc::as_ptr(mailbox))
    }

    /// Rings, unless all was taken. Whether it has.
    fn ring(&self) -> bool {
        let is_owed = self.mailbox.looks() == self.looks;
        if is_owed {
            self.mailbox.ring();
        }
        is_owed
    }
}

impl PendingRing {
    fn flush(&self) {
        if self.count.load(Ordering::Relaxed) > 0 {
            let mut pending = self.owed.lock();
            let owed = pending.take();
            // Under the mutex: a mailbox that is put in its place afterwards is counted afterwards.
            self.forget_count();
            drop(pending);
            if owed.is_some_and(|owed| owed.ring()) {
                HAS_RUNG.set(true);
            }
        }
    }

    fn forget_count(&self) {
        self.count.store(0, Ordering::Relaxed);
        self.seen.store(false, Ordering::Relaxed);
    }

    /// A completion was left in the mailbox.
    fn add<R: Ring + 'static>(&self, mailbox: &Arc<R>) {
        let looks = mailbox.looks();
        let mut pending = self.owed.lock();
        match &mut *pending {
            Some(owed) if owed.is_to(mailbox) => {
                if owed.looks != looks {
                    owed.looks = looks;
                    self.forget_count();
                }
            }
            other => {
                if let Some(other) = other {
                    other.ring();
                }
                *pending = Some(Owed { mailbox: mailbox.clone(), looks });
            }
        }
        drop(pending);
        // ORDERING: either the watcher, before it parks, sees the count, or we see that it is parked; the
        // fences are `BackgroundThread`'s.
        match self.count.fetch_add(1, Ordering::Relaxed) {
            0 => {
                let _ = WATCHER.notify_if_parked();
            }
            before if before + 1 >= MOST_COALESCED => self.flush(),
            _ => {}
        }
    }
}

thread_local! {
    /// Where this thread's rings wait, while its tasks are short.
    static CURRENT: RefCell<Option<Arc<PendingRing>>> = const { RefCell::new(None) };
    /// Whether this thread has rung since it was last asked.
    static HAS_RUNG: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread has rung since it was last asked.
pub(crate) fn take_rung() -> bool {
    HAS_RUNG.take()
}

/// Whether the rings of this thread are coalesced.
pub(crate) fn is_on() -> bool {
    CURRENT.with(|current| current.borrow().is_some())
}

/// Rings `mailbox`, or notes that it is to be rung.
pub(crate) fn ring<R: Ring + 'static>(mailbox: &Arc<R>) {
    CURRENT.with(|current| match &*current.borrow() {
        Some(pending) => pending.add(mailbox),
        None => {
            mailbox.ring();
            HAS_RUNG.set(true);
        }
    });
}

/// Those of all workers.
static PENDING: Mutex<Vec<Weak<PendingRing>>> = Mutex::new(Vec::new());

static WATCHER: BackgroundThread = BackgroundThread::new("cf-rings", watch);

/// A worker's side of it: whether the rings of its thread are coalesced.
pub(crate) struct Coalescer {
    pending: Arc<PendingRing>,
    is_on: Cell<bool>,
}

impl Coalescer {
    /// For a new worker; off.
    pub(crate) fn new() -> Self {
        let pending = Arc::new(PendingRing::default());
        let mut all = PENDING.lock();
        all.retain(|other| other.strong_count() > 0);
        all.push(Arc::downgrade(&pending));
        drop(all);
        // If the system refuses the thread no ring is coalesced.
        let _ = WATCHER.start();
        Coalescer { pending, is_on: Cell::new(false) }
    }

    pub(crate) fn is_on(&self) -> bool {
        self.is_on.get()
    }

    /// From now on the rings of the calling thread are coalesced, where that is safe, or not.
    pub(crate) fn set(&self, on: bool) {
        // Without its watcher it is not safe.
        let on = on && WATCHER.is_started();
        if self.is_on.replace(on) == on {
            return;
        }
        CURRENT.set(on.then(|| self.pending.clone()));
        if !on {
            self.flush();
        }
    }

    /// Rings, if a ring is pending.
    pub(crate) fn flush(&self) {
        self.pending.flush();
    }
}

fn watch() {
    let mut idle = 0;
    loop {
        std::thread::sleep(LONGEST_DELAY);
        idle = if look() { 0 } else { idle + 1 };
        if idle > IDLE_LOOKS {
            WATCHER.park_unless(any_pending);
            idle = 0;
        }
    }
}

/// Rings for those that have waited long enough. Whether any ring was pending.
fn look() -> bool {
    let mut any = false;
    for pending in PENDING.lock().iter().filter_map(Weak::upgrade) {
        if pending.count.load(Ordering::Relaxed) > 0 {
            any = true;
            // Seen before and not rung since: it has waited for a whole look.
            if pending.seen.swap(true, Ordering::Relaxed) {
                pending.flush();
            }
        }
    }
    any
}

fn any_pending() -> bool {
    let all = PENDING.lock();
    all.iter().filter_map(Weak::upgrade).any(|pending| pending.count.load(Ordering::Relaxed) > 0)
}
