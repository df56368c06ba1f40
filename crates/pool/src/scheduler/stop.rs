//! Cancelling, and running out of time.

use std::sync::Arc;

use crate::scheduler::pool::{Pool, Shared};
use crate::task::limits::Expire;
use crate::task::outcome::Failure;
use crate::task::states::State;
use crate::task::task::Task;
use crate::task::work::{Work, WorkerLink};

/// What [`Pool::cancel`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// It was waiting; it will never run.
    BeforeStart,
    /// It was running; it is cancelled and its worker is being stopped.
    WhileRunning,
    /// It had been cancelled before.
    Already,
    /// It was running and `interrupt` was false, or it had finished.
    No,
}

impl<W: Work> Pool<W> {
    /// Cancels `task`; a running one only if `interrupt`.
    pub fn cancel(self: &Arc<Self>, task: &Arc<Task<W>>, interrupt: bool) -> Cancelled {
        let (result, link) = self.change(|shared, actions| match task.state() {
            State::Pending => {
                shared.conclude_pending(task, Err(Failure::Cancelled), actions);
                self.rebalance(shared, actions);
                (Cancelled::BeforeStart, None)
            }
            State::Running if interrupt => {
                task.request_cancel();
                shared.conclude(task, Err(Failure::Cancelled), actions);
                (Cancelled::WhileRunning, shared.link_of(task))
            }
            State::Cancelled => (Cancelled::Already, None),
            State::Running | State::Finished => (Cancelled::No, None),
        });
        if let Some(link) = link {
            link.stop(task);
        }
        result
    }

    /// Fails `task`, if it runs, as if its run time were over, and stops it; where it is nobody is told.
    pub fn expire(self: &Arc<Self>, task: &Arc<Task<W>>) {
        if self.time_out(task, None)
            && let Some(link) = self.change(|shared, _| shared.link_of(task))
        {
            link.stop(task);
        }
    }

    /// Fails `task` because its run time is over; `trace` tells where it was. False if it does
    /// not run.
    pub fn time_out(self: &Arc<Self>, task: &Arc<Task<W>>, trace: Option<String>) -> bool {
        self.change(|shared, actions| {
            task.state() == State::Running && shared.conclude(task, Err(Failure::TimedOut { trace }), actions)
        })
    }
}

impl<W: Work> Expire<W> for Pool<W> {
    fn queue_time_over(self: Arc<Self>, task: &Arc<Task<W>>) {
        self.change(|shared, actions| {
            if task.state() == State::Pending {
                shared.conclude_pending(task, Err(Failure::Expired), actions);
                self.rebalance(shared, actions);
            }
        });
    }

    fn run_time_over(self: Arc<Self>, task: &Arc<Task<W>>) {
        let link = self.change(|shared, _| shared.link_of(task));
        match link {
            Some(link) if !task.state().is_settled() => link.expire(task),
            _ => drop(Pool::time_out(&self, task, None)),
        }
    }

    fn time_out(self: Arc<Self>, task: &Arc<Task<W>>, trace: Option<String>) -> bool {
        Pool::time_out(&self, task, trace)
    }
}

impl<W: Work> Shared<W> {
    fn link_of(&mut self, task: &Task<W>) -> Option<Arc<dyn WorkerLink<W>>> {
        let worker = task.inner.lock().worker?;
        self.workers.get(worker).map(|record| record.link.clone())
    }
}
