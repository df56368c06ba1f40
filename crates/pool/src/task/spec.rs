//! What is submitted, before it is a task.

use std::time::Duration;

use crate::sync::deadline::TimeLimit;
use crate::task::key::Key;
use crate::task::work::{Kind, Work};

/// What is submitted.
pub struct Spec<W: Work> {
    /// Which kind of worker can run it.
    pub kind: Kind,
    pub work: W,
    pub owner: W::Owner,
    /// What a worker must have ready before it may claim the task (see
    /// [`Worker::next`](crate::Worker::next)); 0 for nothing.
    pub needs: u32,
    /// Whether the task needs a handover: no worker may claim it before the host has brought its payload to
    /// that worker. Only for tasks of [`Config::handover_kind`](crate::Config::handover_kind). Such a task
    /// waits for [`Pool::payload_ready`](crate::Pool::payload_ready).
    pub needs_handover: bool,
    /// Tasks of one key run on one worker, one after another, for as long as that lives. Only for tasks of
    /// [`Config::warm_kind`](crate::Config::warm_kind) that need no handover.
    pub key: Option<Key>,
    /// Higher first; not NaN.
    pub priority: f64,
    /// The longest run time, counted from the claim.
    pub timeout: Option<Duration>,
    /// The longest wait before the claim.
    pub queue_timeout: Option<Duration>,
    /// The longest time from the submission to the end, waiting and running together.
    pub total_timeout: Option<Duration>,
    /// Whether this is the rest of a task that was accepted: a pool that is shut down takes it as long as it
    /// is not closed, unless what waits was cancelled.
    pub is_rest: bool,
}

impl<W: Work> Spec<W> {
    /// A task without limits that any worker of `kind` can run.
    pub fn new(kind: Kind, work: W, owner: W::Owner) -> Self {
        Spec {
            kind,
            work,
            owner,
            needs: 0,
            needs_handover: false,
            key: None,
            priority: 0.0,
            timeout: None,
            queue_timeout: None,
            total_timeout: None,
            is_rest: false,
        }
    }

    /// The limit that is zero, if one is: such a task fails without running.
    pub(crate) fn zero_limit(&self) -> Option<TimeLimit> {
        let limits = [
            (self.queue_timeout, TimeLimit::Queue),
            (self.timeout, TimeLimit::Run),
            (self.total_timeout, TimeLimit::Total),
        ];
        limits
            .into_iter()
            .find(|(limit, _)| limit.is_some_and(|limit| limit.is_zero()))
            .map(|(_, which)| which)
    }
}
