//! A task and its future: one allocation that the submitter, the queue and the worker share.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::sync::primitives::{AtomicBool, AtomicU8, Condvar, Mutex, MutexGuard, Ordering};
use crate::task::key::Key;
use crate::task::limits::Limits;
use crate::task::outcome::{Failure, Outcome};
use crate::task::spec::Spec;
use crate::task::states::State;
use crate::task::work::{Kind, Work, WorkerId};

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
    pub(crate) key: Option<Key>,
    /// Whether it is for one worker only: one of a broadcast.
    pub(crate) is_for_worker: bool,
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
        Arc::new(Self::make(id, spec, limits, now))
    }

    /// The same, of one that is for a certain worker.
    pub(crate) fn for_worker(
        id: u64,
        spec: Spec<W>,
        limits: Option<Box<Limits<W>>>,
        now: Instant,
    ) -> Arc<Self> {
        Arc::new(Task { is_for_worker: true, ..Self::make(id, spec, limits, now) })
    }

    fn make(id: u64, spec: Spec<W>, limits: Option<Box<Limits<W>>>, now: Instant) -> Self {
        Task {
            id,
            kind: spec.kind,
            needs: spec.needs,
            needs_handover: spec.needs_handover,
            key: spec.key,
            is_for_worker: false,
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
        }
    }

    /// What a task was made of, if this is the only reference to it.
    pub(crate) fn take_back(task: Arc<Self>, queue_timeout: Option<Duration>) -> Option<Spec<W>> {
        let task = Arc::into_inner(task)?;
        let (timeout, total_timeout) =
            task.limits.as_ref().map_or((None, None), |limits| (limits.timeout, limits.total));
        let mut inner = task.inner.into_inner();
        Some(Spec {
            kind: task.kind,
            work: inner.contents.take_work()?,
            owner: task.owner,
            needs: task.needs,
            needs_handover: task.needs_handover,
            key: task.key,
            priority: task.priority,
            timeout,
            queue_timeout,
            total_timeout,
            is_rest: false,
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

    /// Whether it has a [key](Spec::key).
    #[must_use]
    pub fn has_key(&self) -> bool {
        self.key.is_some()
    }

    /// Whether it is for one worker only: one of a [broadcast](crate::Pool::broadcast).
    #[must_use]
    pub fn is_for_worker(&self) -> bool {
        self.is_for_worker
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

    /// Fails the task because its time is over; `trace` tells where it was. False if it does not run, or has
    /// no time limit.
    pub fn time_out(self: &Arc<Self>, trace: Option<String>) -> bool {
        let pool = self.limits.as_ref().and_then(|limits| limits.pool.upgrade());
        pool.is_some_and(|pool| pool.time_out(self, trace))
    }

    #[must_use]
    pub fn submitted(&self) -> Instant {
        self.submitted
    }

    /// The worker that has begun it.
    #[must_use]
    pub fn worker(&self) -> Option<WorkerId> {
        self.inner.lock().worker
    }

    /// When the task was claimed.
    #[must_use]
    pub fn started(&self) -> Option<Instant> {
        self.inner.lock().started
    }

    /// It stands still: its run has no end meanwhile. When it has begun.
    pub(crate) fn pause(&self) -> Option<Instant> {
        self.inner.lock().started.take()
    }

    /// It goes on, as if it had begun then, or is settled.
    pub(crate) fn go_on_from(&self, started: Option<Instant>) {
        self.inner.lock().started = started;
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

    /// The worker that has begun the task has never called it: it waits again, unless it has settled.
    pub(crate) fn return_unbegun(&self, work: W) -> Result<(), W> {
        let mut inner = self.inner.lock();
        if self.state() != State::Running || !self.advance(&mut inner, State::Pending) {
            return Err(work);
        }
        (inner.started, inner.worker) = (None, None);
        inner.contents = Contents::Work(work);
        Ok(())
    }

    /// The task is sent to a worker which is to begin it later: takes its work. It goes on waiting, for this
    /// worker or, if it is brought back, for any.
    pub(crate) fn send_ahead(&self, worker: WorkerId) -> Option<W> {
        let mut inner = self.inner.lock();
        if self.state() != State::Pending {
            return None;
        }
        inner.worker = Some(worker);
        inner.contents.take_work()
    }

    /// The worker that it was sent ahead to, if it waits there.
    pub(crate) fn ahead_at(&self) -> Option<WorkerId> {
        let inner = self.inner.lock();
        inner.worker.filter(|_| self.state() == State::Pending)
    }

    /// It was brought back.
    pub(crate) fn bring_back(&self, work: W) {
        let mut inner = self.inner.lock();
        inner.worker = None;
        inner.contents = Contents::Work(work);
    }

    /// The worker that it was sent ahead to begins it.
    pub(crate) fn begin_there(&self, now: Instant) -> bool {
        let mut inner = self.inner.lock();
        let begins = self.advance(&mut inner, State::Running);
        if begins {
            inner.started = Some(now);
        }
        begins
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
