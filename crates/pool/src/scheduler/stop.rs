//! Cancelling, and running out of time.

use std::sync::Arc;
use std::time::Instant;

use crate::scheduler::pool::{Pool, Shared};
use crate::sync::deadline::TimeLimit;
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
        let (result, link) = self.change(|shared, actions| {
            shared.bring_back(task, actions);
            match task.state() {
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
            }
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

    /// Fails `task` because its time is over; `trace` tells where it was. False if it does
    /// not run.
    pub fn time_out(self: &Arc<Self>, task: &Arc<Task<W>>, trace: Option<String>) -> bool {
        let limit = task.limit_over(Instant::now()).unwrap_or(TimeLimit::Run);
        self.time_out_by(task, limit, trace)
    }

    /// The same, where it is known which limit it is.
    pub fn time_out_by(
        self: &Arc<Self>,
        task: &Arc<Task<W>>,
        limit: TimeLimit,
        trace: Option<String>,
    ) -> bool {
        self.change(|shared, actions| {
            task.state() == State::Running
                && shared.conclude(task, Err(Failure::TimedOut { limit, trace }), actions)
        })
    }
}

impl<W: Work> Pool<W> {
    /// Fails `task`, if it waits, because `limit` is over. Says whether it waited.
    fn time_out_waiting(self: &Arc<Self>, task: &Arc<Task<W>>, limit: TimeLimit) -> bool {
        self.change(|shared, actions| {
            shared.bring_back(task, actions);
            let waits = task.state() == State::Pending;
            if waits {
                shared.conclude_pending(task, Err(Failure::TimedOut { limit, trace: None }), actions);
                self.rebalance(shared, actions);
            }
            waits
        })
    }

    /// Has the worker of `task` settle and stop it, if it runs and `limit` is over, and was over before its
    /// other limit; fails it here if it has no worker.
    fn time_out_running(self: &Arc<Self>, task: &Arc<Task<W>>, limit: TimeLimit) {
        if task.limit_over(Instant::now()) != Some(limit) {
            // Its run was given back since: that clock has begun anew, or will. Or the other limit has done
            // this.
            return;
        }
        let link = self.change(|shared, _| shared.link_of(task));
        match link {
            Some(link) if !task.state().is_settled() => link.expire(task),
            _ => drop(self.time_out(task, None)),
        }
    }
}

impl<W: Work> Expire<W> for Pool<W> {
    fn queue_time_over(self: Arc<Self>, task: &Arc<Task<W>>) {
        self.time_out_waiting(task, TimeLimit::Queue);
    }

    fn run_time_over(self: Arc<Self>, task: &Arc<Task<W>>) {
        self.time_out_running(task, TimeLimit::Run);
    }

    fn total_time_over(self: Arc<Self>, task: &Arc<Task<W>>) {
        if !self.time_out_waiting(task, TimeLimit::Total) {
            self.time_out_running(task, TimeLimit::Total);
        }
    }

    fn time_out(self: Arc<Self>, task: &Arc<Task<W>>, trace: Option<String>) -> bool {
        Pool::time_out(&self, task, trace)
    }
}

impl<W: Work> Shared<W> {
    pub(crate) fn link_of(&mut self, task: &Task<W>) -> Option<Arc<dyn WorkerLink<W>>> {
        let worker = task.inner.lock().worker?;
        self.workers.get(worker).map(|record| record.link.clone())
    }
}
