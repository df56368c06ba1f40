//! What a pool tells its owner, the isolate that has made it.

use crate::js::shared_enum;

shared_enum! {
    /// What has happened to a pool.
    pub(crate) enum PoolEvent = "EVENT": i32 {
        /// One more JavaScript worker is wanted.
        StartWorker = 0,
        /// There is room in the queue.
        Room = 1,
        /// The pool is closed.
        Closed = 2,
        /// A worker (`number`) has been given up: end its thread.
        EndWorker = 3,
        /// Port values are to be handed over to workers.
        HandOver = 4,
        /// These arguments (`number`) were dropped without having been read; see `port_value`.
        LostArguments = 5,
        /// The same of this result.
        LostResult = 6,
        /// A worker wants a port value that is with the owner.
        PassOn = 7,
        /// Errors are to be told that ended tasks have left behind; see `PoolEntry::strays`.
        Strays = 8,
        /// The workers that have not attached are wanted no more: end them.
        EndStarts = 9,
        /// Call `resumeStarts` in so many milliseconds (`number`).
        ResumeStarts = 10,
        /// The time that its shutdown had is over: end all workers.
        EndWorkers = 11,
        /// Something has happened to workers; see `News`.
        News = 12,
    }
}

impl PoolEvent {
    /// Whether it must be served also while the owner's thread waits for a future.
    pub(crate) fn is_service(self) -> bool {
        !matches!(
            self,
            PoolEvent::Room
                | PoolEvent::Closed
                | PoolEvent::LostArguments
                | PoolEvent::LostResult
                | PoolEvent::Strays
                | PoolEvent::News
        )
    }
}

/// The owner of pools, as others tell it something. From any thread.
pub(crate) trait PoolOwner: Send + Sync {
    /// This has happened to its pool of this number in the process.
    fn tell(&self, event: PoolEvent, pool: u32, number: f64);
}
