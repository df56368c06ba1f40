//! What only a MessagePort can carry crosses beside the addon, from the submitter to the worker or back. The addon carries
//! its number. Where the value of a number is, only TypeScript knows (lib/ports.ts); a number that nobody has read when it
//! is dropped is told to the pool's owner, so that the value is let go of wherever the task ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::mailbox::{Mailbox, Note, PoolEvent};
use crate::pools::PoolEntry;

/// A parcel's number has 32 bits, and above them the number of a worker.
const WORKER: f64 = 4_294_967_296.0;

// ORDERING: only uniqueness matters.
static NEXT: AtomicU32 = AtomicU32::new(1);

pub(crate) struct Parcel {
    number: u32,
    /// The worker that sent a result, or to which arguments were sent; 0 for none.
    // ORDERING: the pool's mutex orders the hand-over and everything after it.
    worker: AtomicU32,
    lost: PoolEvent,
    pool: u32,
    owner: Arc<Mailbox>,
    is_read: AtomicBool,
}

impl Parcel {
    /// Arguments that are to be carried to a worker.
    pub(crate) fn of_arguments(entry: &PoolEntry) -> Arc<Parcel> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Arc::new(Parcel::new(number, 0, PoolEvent::LostArguments, entry))
    }

    /// A value that a worker has sent.
    pub(crate) fn of_result(number: f64, entry: &PoolEntry) -> Arc<Parcel> {
        let worker = (number / WORKER).floor();
        let low = number - worker * WORKER;
        Arc::new(Parcel::new(low as u32, worker as u32, PoolEvent::LostResult, entry))
    }

    fn new(number: u32, worker: u32, lost: PoolEvent, entry: &PoolEntry) -> Parcel {
        let owner = entry.owner.clone();
        let (worker, is_read) = (AtomicU32::new(worker), AtomicBool::new(false));
        Parcel { number, worker, lost, pool: entry.id, owner, is_read }
    }

    pub(crate) fn number(&self) -> f64 {
        f64::from(self.number) + f64::from(self.worker.load(Ordering::Relaxed)) * WORKER
    }

    pub(crate) fn send_to(&self, worker: u32) {
        self.worker.store(worker, Ordering::Relaxed);
    }

    /// The number for the one that takes the value.
    pub(crate) fn read(&self) -> f64 {
        self.is_read.store(true, Ordering::Relaxed);
        self.number()
    }
}

/// A parcel's number among the values of a task.
pub(crate) struct Carried(pub(crate) Arc<Parcel>);

impl Drop for Carried {
    fn drop(&mut self) {
        let parcel = &self.0;
        if !parcel.is_read.load(Ordering::Relaxed) {
            let note = Note::Pool { event: parcel.lost, pool: parcel.pool, number: parcel.number() };
            parcel.owner.post(note);
        }
    }
}
