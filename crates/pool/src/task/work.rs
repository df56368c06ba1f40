//! What the pool's user supplies: the work, and the two objects by which the pool calls what is around it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::task::control::Control;
use crate::task::task::Task;

/// A kind of worker. A task names the one that can run it; each kind has a lane in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// A thread of this crate.
    Native = 0,
    /// A thread that owns a JavaScript isolate.
    Isolate = 1,
    /// A process, represented by the thread that supervises it.
    Process = 2,
}

impl Kind {
    pub(crate) const ALL: [Kind; 3] = [Kind::Native, Kind::Isolate, Kind::Process];
    pub(crate) const COUNT: usize = 3;
}

/// Tells whether a task that needs this is meant. Called under the pool's mutex: must only look something up.
pub type Needs = Arc<dyn Fn(u32) -> bool + Send + Sync>;

/// Names one worker of one pool. No other worker ever has the same name: a slot that is used again gets a new
/// generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WorkerId {
    pub slot: u32,
    pub generation: u32,
}

/// One piece of work, with the types of its future.
pub trait Work: Sized + Send + 'static {
    /// What a task returns.
    type Value: Send;
    /// What a task throws. Cloned when one error fails many futures, then under the pool's mutex: its
    /// `clone` must be short and must neither panic nor call the pool.
    type Error: Send + Clone;
    /// How a worker that died has ended, for instance with which exit code.
    type Exit: Send + Clone;
    /// What the submitter keeps with each future, for instance where to deliver it.
    type Owner: Send + Sync;

    /// Runs the work on a thread of the pool; called for [`Kind::Native`] only.
    fn run(self, control: &Control<'_, Self>) -> Result<Self::Value, Self::Error>;

    /// The error of tasks that fail because the system refuses a native thread.
    fn no_thread(_error: &std::io::Error) -> Option<Self::Error> {
        None
    }

    /// The error of tasks that fail because workers end before their first task, where none is known.
    fn no_worker(_exit: Option<&Self::Exit>) -> Option<Self::Error> {
        None
    }

    /// Called once for each task, after it settled and with no lock held, on whatever thread
    /// settled it. Must be short, and must neither block nor panic. `at`: when it did.
    fn settled(task: &Arc<Task<Self>>, at: Instant);

    /// Called once for a task that had settled while a worker held it, with no lock held, when that worker
    /// lets it go: only now the worker is free of it. Like [`Work::settled`] it must be short, and must
    /// neither block nor panic.
    fn let_go(_task: &Arc<Task<Self>>) {}
}

/// What a pool asks for what it cannot do itself. Called with no lock held.
pub trait Host: Send + Sync {
    /// One more worker of `kind` is wanted. It answers by [`Pool::attach`](crate::Pool::attach) or by
    /// [`Pool::start_failed`](crate::Pool::start_failed). Never called for [`Kind::Native`].
    fn start_worker(&self, kind: Kind);
    /// The workers of `kind` that were asked for and have not attached are wanted no more: ends them. Those
    /// that attach all the same are told to leave.
    fn end_starts(&self, _kind: Kind) {}
    /// Calls [`Pool::resume_starts`](crate::Pool::resume_starts) after `delay`: the system refuses the thread
    /// that would do so.
    fn resume_starts_after(&self, _delay: Duration) {}
    /// The time that a shutdown had is over, and the pool was terminated: ends the workers, also those that
    /// hold no task, as one that is still being started.
    fn end_workers(&self) {}
    /// The pool was shut down, every accepted task has settled and the last worker has detached.
    fn closed(&self);
    /// Tasks are to be handed over to workers: call [`Pool::assign`](crate::Pool::assign) until it gives
    /// none, soon. Never called where no task [needs that](crate::Spec::needs_handover).
    fn hand_over(&self) {}
    /// A thread of [`Kind::Native`] has started, or (`has_ended`) ends.
    fn note_native(&self, _has_ended: bool) {}
    /// There is room in the queue again; called once for each [`Pool::want_room`](crate::Pool::want_room).
    fn room(&self);
}

/// What the pool calls a worker through. Called with no lock held, from any thread, also after the worker has
/// detached.
pub trait WorkerLink<W: Work>: Send + Sync {
    /// Makes the worker call [`Worker::next`](crate::Worker::next) soon.
    fn wake(&self);
    /// By which those who watch the pool know this worker.
    fn thread(&self) -> u32 {
        0
    }
    /// `task`, which this worker runs, has been settled by somebody else: stop it. Its cancel flag is set
    /// already.
    fn stop(&self, task: &Arc<Task<W>>);
    /// Whether a task of this worker has submitted `task`. Called under the pool's mutex: it must only look
    /// something up.
    fn has_submitted(&self, _task: &Task<W>) -> bool {
        true
    }
    /// Whether one more task can be [sent ahead](crate::Worker::turn_ahead) to this worker. This and the next
    /// two are called under the pool's mutex: they must not wait.
    fn has_room_ahead(&self) -> bool {
        false
    }
    /// `task` is to be sent ahead to this worker, which has room; it can be brought back from now on.
    fn send_ahead(&self, _task: &Arc<Task<W>>, _work: W) {}
    /// `task` was sent ahead to this worker: keeps it from being begun there, and returns its work. `None` if
    /// the worker has begun it.
    fn bring_back(&self, _task: &Arc<Task<W>>) -> Option<W> {
        None
    }
    /// The run time of `task` is over: settle it through [`Task::time_out`], at once or after a short
    /// look at where it is, then stop it.
    fn expire(&self, task: &Arc<Task<W>>) {
        if task.time_out(None) {
            self.stop(task);
        }
    }
}
