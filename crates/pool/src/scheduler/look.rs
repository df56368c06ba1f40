//! One look at all of a pool.

use crate::scheduler::pool::{Phase, Pool};
use crate::scheduler::stats::Snapshot;
use crate::task::work::Work;
use crate::workers::state::WorkerState;

impl<W: Work> Pool<W> {
    /// One consistent look at the counts.
    #[must_use]
    pub fn stats(&self) -> Snapshot {
        let shared = self.lock();
        let mut view = Snapshot {
            starting: shared.workers.starting.iter().sum(),
            abandoned: shared.workers.abandoned,
            died: shared.workers.died,
            broken: matches!(shared.phase, Phase::Broken { .. }),
            queued: shared.queued(),
            running: shared.running,
            counts: shared.counts,
            wait_time: shared.wait_time.summary(),
            run_time: shared.run_time.summary(),
            ..Snapshot::default()
        };
        for (_, record) in shared.workers.iter() {
            match record.state {
                WorkerState::Idle | WorkerState::Lingering => view.idle += 1,
                WorkerState::Reserved if record.held.is_empty() => view.idle += 1,
                WorkerState::Preparing => view.starting += 1,
                WorkerState::Busy | WorkerState::Partial if shared.only_stands(record) => view.idle += 1,
                WorkerState::Woken
                | WorkerState::Busy
                | WorkerState::Partial
                | WorkerState::Reserved
                | WorkerState::Retiring
                | WorkerState::Ending => view.busy += 1,
                WorkerState::Leaving | WorkerState::Abandoned => {}
            }
        }
        view
    }
}
