//! What other threads have to tell an isolate: settled futures, progress, and requests of its pools.
//!
//! Many notes make one ring: `rung` is set by the first post after the isolate last looked, and cleared
//! by the isolate before it takes the notes, so a post is either among the taken or rings again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::bell::Bell;
use crate::quiet;
use crate::work::JsTask;

pub(crate) enum Note {
    Settled(Arc<JsTask>),
    Progress(Arc<JsTask>),
    /// For TypeScript: what happened to which pool, with a number.
    Pool {
        event: PoolEvent,
        pool: u32,
        number: f64,
    },
}

/// What a pool tells its owner. The numbers are shared with TypeScript.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum PoolEvent {
    /// One more JavaScript worker is wanted.
    StartWorker = 0,
    /// There is room in the queue.
    Room = 1,
    /// The pool is closed.
    Closed = 2,
    /// A worker (`number`) has been given up: end its thread.
    EndWorker = 3,
    /// Arguments are to be carried to workers.
    HandOver = 4,
    /// Nobody will read these arguments (`number`), or this result; see `parcel`.
    LostArguments = 5,
    LostResult = 6,
    /// A worker wants a result that is with the owner.
    PassOn = 7,
}

impl Note {
    fn is_service(&self) -> bool {
        use PoolEvent::{EndWorker, HandOver, PassOn, StartWorker};
        matches!(self, Note::Pool { event: StartWorker | EndWorker | HandOver | PassOn, .. })
    }
}

/// So many notes are nothing.
const FEW_NOTES: usize = 1024;

// The workers write to it for each task, and the isolate's thread to the counts of the `Arc`s that hold it: on lines of
// their own.
#[repr(align(128))]
pub(crate) struct Mailbox {
    notes: Mutex<Vec<Note>>,
    /// Notes that must be served also while the isolate's thread waits for a future.
    services: Mutex<Vec<Note>>,
    // ORDERING: set after the push, cleared before the take: a true may be stale, a false is not.
    wants_service: AtomicBool,
    /// Set by the first post after the last look.
    // ORDERING: AcqRel on the swap: the isolate that clears it sees the notes posted before it was set.
    rung: AtomicBool,
    closed: AtomicBool,
    /// How many notes make it worth a look which are wanted.
    // ORDERING: changed and read under the mutex of `notes`.
    prune_at: AtomicUsize,
    pub(crate) bell: Arc<Bell>,
}

impl Mailbox {
    pub(crate) fn new(bell: Arc<Bell>) -> Self {
        Mailbox {
            notes: Mutex::new(Vec::new()),
            services: Mutex::new(Vec::new()),
            wants_service: AtomicBool::new(false),
            rung: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            prune_at: AtomicUsize::new(FEW_NOTES),
            bell,
        }
    }

    /// Leaves a note. For an isolate that has ended it is dropped.
    pub(crate) fn post(self: &Arc<Self>, note: Note) {
        if self.closed.load(Ordering::Acquire) {
            return;
        }
        let may_wait = matches!(note, Note::Settled(_));
        if note.is_service() {
            self.services.lock().push(note);
            self.wants_service.store(true, Ordering::Release);
        } else {
            self.notes.lock().push(note);
        }
        if may_wait {
            quiet::ring(self);
        } else {
            self.ring();
        }
    }

    /// Makes the isolate look, unless it has been told to already.
    pub(crate) fn ring(&self) {
        // A look first: to write costs everybody else the line.
        if !self.rung.load(Ordering::Acquire) && !self.rung.swap(true, Ordering::AcqRel) {
            self.bell.ring();
        }
    }

    /// Whether there may be notes.
    pub(crate) fn has_rung(&self) -> bool {
        self.rung.load(Ordering::Acquire)
    }

    /// Makes the next post ring again.
    pub(crate) fn listen(&self) {
        self.rung.swap(false, Ordering::AcqRel);
    }

    pub(crate) fn take(&self, into: &mut Vec<Note>) {
        std::mem::swap(&mut *self.notes.lock(), into);
    }

    /// Forgets the tasks of which nobody wants to hear, once there are many notes: the isolate's thread may not come
    /// back to its loop for long.
    pub(crate) fn prune(&self, is_wanted: impl Fn(&Arc<JsTask>) -> bool) {
        let mut forgotten = Vec::new();
        let mut notes = self.notes.lock();
        if notes.len() >= self.prune_at.load(Ordering::Relaxed) {
            let forget = |note: &mut Note| match note {
                Note::Settled(task) | Note::Progress(task) => !is_wanted(task),
                Note::Pool { .. } => false,
            };
            forgotten.extend(notes.extract_if(.., forget));
            self.prune_at.store(FEW_NOTES + 2 * notes.len(), Ordering::Relaxed);
        }
        drop(notes);
        // Perhaps the last of the tasks: dropped without the mutex.
        drop(forgotten);
    }

    /// Whether something waits that must be served also while the isolate's thread waits for a future.
    pub(crate) fn has_services(&self) -> bool {
        self.wants_service.load(Ordering::Acquire)
    }

    pub(crate) fn take_services(&self) -> Vec<Note> {
        self.wants_service.store(false, Ordering::Release);
        std::mem::take(&mut self.services.lock())
    }

    /// The isolate is ending: nothing is kept for it any more.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        let notes = std::mem::take(&mut *self.notes.lock());
        drop(notes);
        self.services.lock().clear();
    }
}
