//! A task and its future: one allocation that the submitter, the queue and the worker share.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::sync::primitives::{AtomicBool, AtomicU8, Condvar, Mutex, MutexGuard, Ordering};
use crate::task::limits::Limits;
use crate::task::outcome::{Failure, Outcome};
use crate::task::states::State;
use crate::task::work::{Kind, Work, WorkerId};

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
    /// Higher first; not NaN.
    pub priority: f64,
    /// The longest run time, counted from the claim.
    pub timeout: Option<Duration>,
    /// The longest wait before the claim.
    pub queue_timeout: Option<Duration>,
}

/// What a task holds: first its work, in the end its outcome.
pub(crate) enum Contents<W: Work> {
    Work(W),
    Nothing,
    Outcome(Outcome<W>),
}

impl<W: Work> Contents<W> {
    fn take_work(&mut self) -> Option<W> {
        match std::mem::replace(self, Contents::Nothing) {
            Contents::Work(work) => Some(work),
            other => {
                *self = other;
                None
            }
        }
    }

    fn take_outcome(&mut self) -> Option<Outcome<W>> {
        match std::mem::replace(self, Contents::Nothing) {
            Contents::Outcome(outcome) => Some(outcome),
            other => {
                *self = other;
                None
            }
        }
    }
}

pub(crate) struct Inner<W: Work> {
    contents: Contents<W>,
    pub(crate) started: Option<Instant>,
    pub(crate) worker: Option<WorkerId>,
    waiters: u32,
}

/// A task and its future.
pub struct Task<W: Work> {
    id: u64,
    kind: Kind,
    needs: u32,
    pub(crate) needs_handover: bool,
    pub(crate) priority: f64,
    pub(crate) submitted: Instant,
    pub(crate) limits: Option<Box<Limits<W>>>,
    owner: W::Owner,
    // ORDERING: written under `inner` with Release, read anywhere with Acquire: whoever sees a settled
    // state also sees what the settling thread wrote before it.
    state: AtomicU8,
    // ORDERING: a hint that work polls; it publishes nothing, so Relaxed is enough.
    cancel: AtomicBool,
    pub(crate) inner: Mutex<Inner<W>>,
    settled: Condvar,
}

impl<W: Work> Task<W> {
    /// `limits` are there if the task has any.
    pub(crate) fn new(id: u64, spec: Spec<W>, limits: Option<Box<Limits<W>>>, now: Instant) -> Arc<Self> {
        Arc::new(Task {
            id,
            kind: spec.kind,
            needs: spec.needs,
            needs_handover: spec.needs_handover,
            priority: spec.priority,
            submitted: now,
            limits,
            owner: spec.owner,
            state: AtomicU8::new(State::Pending as u8),
            cancel: AtomicBool::new(false),
            inner: Mutex::new(Inner {
                contents: Contents::Work(spec.work),
                started: None,
                worker: None,
                waiters: 0,
            }),
            settled: Condvar::default(),
        })
    }

    /// What a task was made of, if this is the only reference to it.
    pub(crate) fn take_back(task: Arc<Self>, queue_timeout: Option<Duration>) -> Option<Spec<W>> {
        let task = Arc::into_inner(task)?;
        let timeout = task.timeout();
        let mut inner = task.inner.into_inner();
        Some(Spec {
            kind: task.kind,
            work: inner.contents.take_work()?,
            owner: task.owner,
            needs: task.needs,
            needs_handover: task.needs_handover,
            priority: task.priority,
            timeout,
            queue_timeout,
        })
    }

    /// Unique within the pool, rising in the order of submission by one thread.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What a worker must have ready before it may claim the task.
    #[must_use]
    pub fn needs(&self) -> u32 {
        self.needs
    }

    #[must_use]
    pub fn owner(&self) -> &W::Owner {
        &self.owner
    }

    /// The state now.
    #[must_use]
    pub fn state(&self) -> State {
        State::from_u8(self.state.load(Ordering::Acquire))
    }

    /// Whether the task should not go on: it was asked to stop, or has settled without a value.
    #[must_use]
    pub fn is_cancel_requested(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }

    pub(crate) fn request_cancel(&self) {
        self.cancel.store(true, Ordering::Relaxed);
    }

    /// The longest run time, if limited.
    #[must_use]
    pub fn timeout(&self) -> Option<Duration> {
        self.limits.as_ref().and_then(|limits| limits.timeout)
    }

    /// Fails the task because its run time is over; `trace` tells where it was. False if it does not run, or
    /// has no time limit.
    pub fn time_out(self: &Arc<Self>, trace: Option<String>) -> bool {
        let pool = self.limits.as_ref().and_then(|limits| limits.pool.upgrade());
        pool.is_some_and(|pool| pool.time_out(self, trace))
    }

    /// When the task was claimed.
    #[must_use]
    pub fn started(&self) -> Option<Instant> {
        self.inner.lock().started
    }

    /// Parks the calling thread until the future has settled or `deadline` has passed. True if it
    /// has settled.
    pub fn wait_until(&self, deadline: Option<Instant>) -> bool {
        if self.state().is_settled() {
            return true;
        }
        let mut inner = self.inner.lock();
        inner.waiters += 1;
        while !self.state().is_settled() {
            if deadline.is_some_and(|at| Instant::now() >= at) {
                break;
            }
            inner = self.settled.wait_until(inner, deadline);
        }
        inner.waiters -= 1;
        self.state().is_settled()
    }

    /// Takes the outcome out of a settled future; `None` before it has settled and after the first call.
    pub fn take_outcome(&self) -> Option<Outcome<W>> {
        self.inner.lock().contents.take_outcome()
    }

    /// The task begins, unless it has settled: takes its work.
    pub(crate) fn begin(&self, worker: WorkerId, now: Instant) -> Option<W> {
        let mut inner = self.inner.lock();
        if !self.advance(&mut inner, State::Running) {
            return None;
        }
        inner.started = Some(now);
        inner.worker = Some(worker);
        inner.contents.take_work()
    }

    /// Makes the move to `next` if it is legal. The caller holds `inner`.
    fn advance(&self, _inner: &mut MutexGuard<'_, Inner<W>>, next: State) -> bool {
        let legal = self.state().may_become(next);
        if legal {
            self.state.store(next as u8, Ordering::Release);
        }
        legal
    }

    /// Settles the future, if it has not settled, and returns the work, if it was not claimed and now never
    /// runs, and when the task was claimed. The caller has the task announced once it holds no lock.
    pub(crate) fn settle(&self, outcome: Outcome<W>) -> Result<(Option<W>, Option<Instant>), Outcome<W>> {
        let next = match &outcome {
            Err(Failure::Cancelled) => State::Cancelled,
            _ => State::Finished,
        };
        let mut inner = self.inner.lock();
        if !self.advance(&mut inner, next) {
            return Err(outcome);
        }
        let work = inner.contents.take_work();
        inner.contents = Contents::Outcome(outcome);
        let started = inner.started;
        let anybody_waits = inner.waiters > 0;
        drop(inner);
        if anybody_waits {
            self.settled.notify_all();
        }
        Ok((work, started))
    }
}
