//! What a worker is doing.

use std::sync::Arc;

use crate::task::task::Task;
use crate::task::work::{Kind, Work, WorkerId, WorkerLink};

/// What a worker is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerState {
    /// Has just attached, or makes something ready that its next task needs.
    Preparing,
    /// Has nothing to do; in `idle`.
    Idle,
    /// Has nothing to do, and looks for the next task for a moment before it sleeps. Keeps its place
    /// meanwhile; in `lingering`.
    Lingering,
    /// Was taken from `idle`, `lingering` or `partial` and told to claim; it answers by `next`. No other
    /// worker is woken for the same task.
    Woken,
    /// Holds as many tasks as it can, or is between two claims.
    Busy,
    /// Holds tasks and could hold more; in `partial`.
    Partial,
    /// Is kept free for a task that is handed over to it; claims nothing else.
    Reserved,
    /// Claims nothing new, because its thread has to be replaced; holds tasks that are to end first. Its
    /// place is free.
    Retiring,
    /// Claims nothing any more, because its thread is ending by itself. Keeps its place until it detaches:
    /// only then it is known whether another may be started in its stead.
    Ending,
    /// Claims nothing any more, and detaches soon.
    Leaving,
    /// Was given up because it cannot be stopped; its place is free. In no count but `abandoned`.
    Abandoned,
}

impl WorkerState {
    /// Whether the worker was told to end, or given up.
    pub(crate) fn is_over(self) -> bool {
        matches!(self, WorkerState::Leaving | WorkerState::Abandoned)
    }

    /// Whether the worker begins no task any more.
    pub(crate) fn claims_nothing(self) -> bool {
        matches!(self, WorkerState::Retiring | WorkerState::Ending) || self.is_over()
    }
}

/// One look at a worker.
pub struct WorkerView<W: Work> {
    pub id: WorkerId,
    pub kind: Kind,
    pub state: WorkerState,
    pub held: Vec<Arc<Task<W>>>,
    pub link: Arc<dyn WorkerLink<W>>,
}
