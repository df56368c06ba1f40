//! What other threads have to tell an isolate: settled futures, progress, and requests of its pools.
//!
//! Many notes make one ring: `rung` is set by the first post after the isolate last looked, and cleared
//! by the isolate before it takes the notes, so a post is either among the taken or rings again.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::doorbell::bell::Bell;
use crate::doorbell::coalesce::{self, Ring};

/// With fewer notes than this nothing is pruned.
const PRUNE_FROM: usize = 1024;

// The workers write to it for each task, and the isolate's thread to the counts of the `Arc`s that hold it:
// those must not share a cache line.
#[repr(align(128))]
pub(crate) struct Mailbox<N> {
    notes: Mutex<Vec<N>>,
    /// Notes that must be served also while the isolate's thread waits for a future.
    services: Mutex<Vec<N>>,
    // ORDERING: set after the push, cleared before the take: a true may be stale, a false is not.
    wants_service: AtomicBool,
    /// How often the notes were taken.
    // ORDERING: raised under the mutex of `notes`, to which who reads it has just added a note: if it is
    // another one later, that note was taken.
    looks: AtomicU32,
    /// Set by the first post after the last look.
    // ORDERING: AcqRel on the swap: the isolate that clears it sees the notes posted before it was set.
    rung: AtomicBool,
    closed: AtomicBool,
    /// From how many notes on the next `prune` looks which are wanted.
    // ORDERING: changed and read under the mutex of `notes`.
    prune_at: AtomicUsize,
    /// Of an isolate that has ended: what is dropped with the last task of its that knows the mailbox.
    kept: Mutex<Option<Box<dyn Any + Send>>>,
    pub(crate) bell: Arc<Bell>,
}

impl<N> Mailbox<N> {
    pub(crate) fn new(bell: Arc<Bell>) -> Self {
        Mailbox {
            notes: Mutex::new(Vec::new()),
            services: Mutex::new(Vec::new()),
            wants_service: AtomicBool::new(false),
            looks: AtomicU32::new(0),
            rung: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            prune_at: AtomicUsize::new(PRUNE_FROM),
            kept: Mutex::new(None),
            bell,
        }
    }

    /// Leaves a note. For an isolate that has ended it is dropped.
    pub(crate) fn post(&self, note: N) {
        if self.put(note) {
            self.ring();
        }
    }

    /// Leaves a note whose ring may wait for others; see `coalesce`.
    pub(crate) fn post_coalesced(self: &Arc<Self>, note: N)
    where
        N: Send + 'static,
    {
        if self.put(note) {
            coalesce::ring(self);
        }
    }

    /// Leaves a note that must be served also while the isolate's thread waits for a future.
    pub(crate) fn post_service(&self, note: N) {
        if self.closed.load(Ordering::Acquire) {
            return;
        }
        self.services.lock().push(note);
        self.wants_service.store(true, Ordering::Release);
        self.ring();
    }

    /// False if the isolate has ended.
    fn put(&self, note: N) -> bool {
        if self.closed.load(Ordering::Acquire) {
            return false;
        }
        self.notes.lock().push(note);
        true
    }

    /// Makes the isolate look, unless it has been told to already.
    pub(crate) fn ring(&self) {
        // A look first: a write would take the cache line from all others that post.
        if !self.rung.load(Ordering::Acquire) && !self.rung.swap(true, Ordering::AcqRel) {
            self.bell.ring();
        }
    }

    /// Whether there may be notes.
    pub(crate) fn has_rung(&self) -> bool {
        self.rung.load(Ordering::Acquire)
    }

    /// Whether there are notes but services, rung or not.
    pub(crate) fn has_notes(&self) -> bool {
        !self.notes.lock().is_empty()
    }

    /// Makes the next post ring again.
    pub(crate) fn listen(&self) {
        self.rung.swap(false, Ordering::AcqRel);
    }

    /// Takes all notes but for the services; `into` is empty.
    pub(crate) fn take(&self, into: &mut Vec<N>) {
        let mut notes = self.notes.lock();
        std::mem::swap(&mut *notes, into);
        self.looks.store(self.looks.load(Ordering::Relaxed).wrapping_add(1), Ordering::Release);
    }

    /// Drops the notes that are not wanted, once there are many: the isolate's thread may not come back to
    /// its loop for long.
    pub(crate) fn prune(&self, is_wanted: impl Fn(&N) -> bool) {
        let mut dropped = Vec::new();
        let mut notes = self.notes.lock();
        if notes.len() >= self.prune_at.load(Ordering::Relaxed) {
            dropped.extend(notes.extract_if(.., |note| !is_wanted(note)));
            self.prune_at.store(PRUNE_FROM + 2 * notes.len(), Ordering::Relaxed);
        }
        drop(notes);
        // Perhaps the last that hold a task: dropped without the mutex.
        drop(dropped);
    }

    /// Whether something waits that must be served also while the isolate's thread waits for a future.
    pub(crate) fn has_services(&self) -> bool {
        self.wants_service.load(Ordering::Acquire)
    }

    pub(crate) fn take_services(&self) -> Vec<N> {
        self.wants_service.store(false, Ordering::Release);
        std::mem::take(&mut self.services.lock())
    }

    /// The isolate is ending: keeps this as long as anybody knows the mailbox.
    pub(crate) fn keep(&self, what: Box<dyn Any + Send>) {
        *self.kept.lock() = Some(what);
    }

    /// The isolate is ending: nothing is kept for it any more.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        let notes = std::mem::take(&mut *self.notes.lock());
        drop(notes);
        self.services.lock().clear();
    }
}

impl<N: Send> Ring for Mailbox<N> {
    fn ring(&self) {
        Mailbox::ring(self);
    }

    fn looks(&self) -> u32 {
        self.looks.load(Ordering::Acquire)
    }
}
