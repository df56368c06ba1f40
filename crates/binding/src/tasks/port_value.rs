//! Port values: what only a MessagePort can carry. They cross beside the addon, from the submitter to the
//! worker or back; the addon carries their numbers. Where the value of a number is, only TypeScript knows
//! (lib/ports). A number that was not read when it is dropped is told to the pool's owner, so that the
//! value is dropped there as well, wherever the task has ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::js::shared_numbers;
use crate::tasks::pool_event::{PoolEvent, PoolOwner};
use crate::values::port::OnPort;

shared_numbers! {
    pub(crate) UNITS = "PORT_VALUE": f64 {
        /// The number of a port value has 32 bits, and above them the number of a worker.
        WORKER_UNIT = 4_294_967_296.0,
    }
}

// ORDERING: only uniqueness matters.
static NEXT: AtomicU32 = AtomicU32::new(1);

/// The arguments of one task, or one value that a task has sent.
pub(crate) struct PortValue {
    number: u32,
    /// The worker that sent a result, or to which arguments were sent; 0 for none.
    // ORDERING: the pool's mutex orders the handover and everything after it.
    worker: AtomicU32,
    /// What the owner is told if it is dropped without having been read.
    lost: PoolEvent,
    pool: u32,
    owner: Arc<dyn PoolOwner>,
    is_read: AtomicBool,
}

impl PortValue {
    /// Arguments for a worker of this pool.
    pub(crate) fn of_arguments(pool: u32, owner: Arc<dyn PoolOwner>) -> Arc<PortValue> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Arc::new(PortValue::new(number, 0, PoolEvent::LostArguments, pool, owner))
    }

    /// A value that a worker of this pool has sent.
    pub(crate) fn of_result(number: f64, pool: u32, owner: Arc<dyn PoolOwner>) -> Arc<PortValue> {
        let worker = (number / WORKER_UNIT).floor();
        let low = number - worker * WORKER_UNIT;
        Arc::new(PortValue::new(low as u32, worker as u32, PoolEvent::LostResult, pool, owner))
    }

    fn new(number: u32, worker: u32, lost: PoolEvent, pool: u32, owner: Arc<dyn PoolOwner>) -> PortValue {
        let (worker, is_read) = (AtomicU32::new(worker), AtomicBool::new(false));
        PortValue { number, worker, lost, pool, owner, is_read }
    }

    pub(crate) fn number(&self) -> f64 {
        f64::from(self.number) + f64::from(self.worker.load(Ordering::Relaxed)) * WORKER_UNIT
    }

    /// Its arguments are sent to this worker, or back to the owner (0).
    pub(crate) fn send_to(&self, worker: u32) {
        self.worker.store(worker, Ordering::Relaxed);
    }

    /// It need not be dropped by the owner.
    pub(crate) fn forget(&self) {
        self.is_read.store(true, Ordering::Relaxed);
    }
}

impl OnPort for PortValue {
    fn read(&self) -> f64 {
        self.forget();
        self.number()
    }

    fn dropped(&self) {
        if !self.is_read.load(Ordering::Relaxed) {
            self.owner.tell(self.lost, self.pool, self.number());
        }
    }
}
