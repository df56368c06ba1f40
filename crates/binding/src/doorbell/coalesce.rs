//! Gathering rings. A worker that runs tasks of a microsecond would ring its submitter for each, and a ring
//! that wakes a thread costs more than such a task. So while a worker's tasks are short it rings once for
//! many: when it has gathered enough, or finds nothing more to run, or a task turns out long.
//!
//! The last is the hazard: a worker that has gathered completions and then runs a long task could not ring
//! for them. So a *watcher* thread looks every [`LATEST`] at the workers that gather, and rings for those whose
//! oldest completion has waited that long. It sleeps when nobody gathers.

use std::cell::RefCell;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// What is rung: the mailbox of an isolate.
pub(crate) trait Ring: Send + Sync {
    fn ring(&self);
}

/// The most completions that wait for one ring.
const MOST_COALESCED: u32 = 32;
/// About the longest that a completion waits for its ring while its worker runs another task.
const LONGEST_DELAY: Duration = Duration::from_micros(200);
/// After so many looks at which nobody gathered the watcher sleeps.
const IDLE_LOOKS: u32 = 50;

/// What one worker has gathered. Shared with the watcher.
#[derive(Default)]
pub(crate) struct PendingRing {
    /// The mailbox that is to be rung. Locked by the worker for each post and by the watcher for each ring:
    /// hardly ever at the same time.
    mailbox: Mutex<Option<Arc<dyn Ring>>>,
    count: AtomicU32,
    // ORDERING: a hint between worker and watcher; the mailbox' mutex orders what matters.
    seen: AtomicBool,
}

impl PendingRing {
    /// Rings for what was gathered.
    pub(crate) fn flush(&self) {
        if self.count.load(Ordering::Relaxed) > 0 {
            let mailbox = self.mailbox.lock().take();
            self.count.store(0, Ordering::Relaxed);
            self.seen.store(false, Ordering::Relaxed);
            if let Some(mailbox) = mailbox {
                mailbox.ring();
            }
        }
    }

    fn add<R: Ring + 'static>(&self, mailbox: &Arc<R>) {
        let mut waiting = self.mailbox.lock();
        match &*waiting {
            Some(other) if ptr::addr_eq(Arc::as_ptr(other), Arc::as_ptr(mailbox)) => {}
            other => {
                if let Some(other) = other {
                    other.ring();
                }
                *waiting = Some(mailbox.clone());
            }
        }
        drop(waiting);
        // ORDERING: either the watcher, before it sleeps, sees the count, or we see that it sleeps.
        match self.count.fetch_add(1, Ordering::SeqCst) {
            0 => WATCHER.wake(),
            before if before + 1 >= MOST_COALESCED => self.flush(),
            _ => {}
        }
    }
}

thread_local! {
    /// What this thread gathers, while its tasks are short.
    static CURRENT: RefCell<Option<Arc<PendingRing>>> = const { RefCell::new(None) };
}

/// From now on this thread gathers its rings, or rings at once again (`None`).
pub(crate) fn coalesce_into(into: Option<&Arc<PendingRing>>) {
    CURRENT.with(|current| {
        let before = current.replace(into.cloned());
        if let Some(before) = before.filter(|_| into.is_none()) {
            before.flush();
        }
    });
}

/// Rings `mailbox`, or notes that it is to be rung.
pub(crate) fn ring<R: Ring + 'static>(mailbox: &Arc<R>) {
    CURRENT.with(|current| match &*current.borrow() {
        Some(pending_ring) => pending_ring.add(mailbox),
        None => mailbox.ring(),
    });
}

#[derive(Default)]
struct Watched {
    list: Vec<std::sync::Weak<PendingRing>>,
    runs: bool,
    asleep: bool,
}

#[derive(Default)]
struct Watcher {
    watched: Mutex<Watched>,
    wanted: Condvar,
    is_asleep: AtomicBool,
}

static WATCHER: LazyLock<Watcher> = LazyLock::new(Watcher::default);

/// Makes a place for a worker to gather in.
pub(crate) fn register() -> Arc<PendingRing> {
    let pending_ring = Arc::new(PendingRing::default());
    let mut watched = WATCHER.watched.lock();
    watched.list.retain(|other| other.strong_count() > 0);
    watched.list.push(Arc::downgrade(&pending_ring));
    if !watched.runs {
        let watcher = std::thread::Builder::new().name("cf-rings".into());
        watched.runs = watcher.spawn(|| WATCHER.watch()).is_ok();
    }
    pending_ring
}

/// Whether gathering is safe: without its watcher it is not.
pub(crate) fn is_watched() -> bool {
    WATCHER.watched.lock().runs
}

impl Watcher {
    fn wake(&self) {
        if self.is_asleep.load(Ordering::SeqCst) {
            let mut watched = self.watched.lock();
            watched.asleep = false;
            self.is_asleep.store(false, Ordering::SeqCst);
            drop(watched);
            self.wanted.notify_one();
        }
    }

    fn watch(&self) {
        let mut idle = 0;
        loop {
            std::thread::sleep(LONGEST_DELAY);
            let mut watched = self.watched.lock();
            let mut any = false;
            for pending_ring in watched.list.iter().filter_map(std::sync::Weak::upgrade) {
                if pending_ring.count.load(Ordering::Relaxed) > 0 {
                    any = true;
                    // Seen before and not rung since: it has waited for a whole look.
                    if pending_ring.seen.swap(true, Ordering::Relaxed) {
                        pending_ring.flush();
                    }
                }
            }
            idle = if any { 0 } else { idle + 1 };
            if idle > IDLE_LOOKS {
                watched.asleep = true;
                self.is_asleep.store(true, Ordering::SeqCst);
                // Whoever began to gather before it could see that we sleep is seen here.
                let missed = watched
                    .list
                    .iter()
                    .filter_map(std::sync::Weak::upgrade)
                    .any(|pending_ring| pending_ring.count.load(Ordering::SeqCst) > 0);
                while watched.asleep && !missed {
                    self.wanted.wait(&mut watched);
                }
                watched.asleep = false;
                self.is_asleep.store(false, Ordering::SeqCst);
                idle = 0;
            }
        }
    }
}
