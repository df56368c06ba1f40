//! One task for each worker.
//!
//! The workers that live get theirs pinned: a pinned task is claimed before all others, by this worker only.
//! For those that are starting it waits until they attach. A worker that ends takes what is pinned to it
//! along. Such a task takes a place as every other, and goes before what waits in the queue: while a worker
//! has one and finds no place, the next that is given up is for it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use crate::scheduler::actions::Actions;
use crate::scheduler::pool::{Phase, Pool, Refusal, Shared};
use crate::sync::deadline::{self, Alarm, TimeLimit};
use crate::task::limits::Limits;
use crate::task::outcome::Failure;
use crate::task::spec::Spec;
use crate::task::task::Task;
use crate::task::work::{Kind, Work, WorkerId};
use crate::workers::state::WorkerState;

impl<W: Work> Pool<W> {
    /// How many tasks a broadcast now would have: one for each worker of
    /// [`Config::warm_kind`](crate::Config::warm_kind) that lives or is starting.
    #[must_use]
    pub fn audience(&self) -> usize {
        self.audience_of(&self.state.lock())
    }

    fn audience_of(&self, shared: &Shared<W>) -> usize {
        let kind = self.config.warm_kind;
        shared.workers.that_claim(kind).count() + shared.workers.starting[kind as usize]
    }

    /// Accepts one task for each of these workers, or none. There are as many specs as there were workers a
    /// moment ago: those for workers that have gone since are dropped, so that fewer tasks come back, and
    /// workers that were asked for since get none. Key, priority and queue time of the specs do not count,
    /// nor does a limit of the queue.
    pub fn broadcast(self: &Arc<Self>, specs: Vec<Spec<W>>) -> Result<Vec<Arc<Task<W>>>, Refusal<W>> {
        let specs = specs.into_iter().map(|spec| Spec { queue_timeout: None, key: None, ..spec });
        let specs: Vec<_> = specs.collect();
        let is_limited = |spec: &Spec<W>| spec.timeout.is_some() || spec.total_timeout.is_some();
        let expired = specs.iter().find_map(Spec::zero_limit);
        if expired.is_none() && specs.iter().any(is_limited) && deadline::CLOCK_THREAD.start().is_err() {
            return Err(Refusal::NoClock);
        }
        let mut tasks: Vec<_> = specs.into_iter().map(|spec| self.make_for_worker(spec)).collect();
        let mut dropped = Vec::new();
        let refusal = self.change(|shared, actions| {
            let refusal = shared.why_over();
            if refusal.is_none() {
                dropped = tasks.split_off(tasks.len().min(self.audience_of(shared)));
                self.pin_all(shared, &tasks, actions);
                let limit = expired.into_iter();
                for (task, limit) in limit.flat_map(|limit| tasks.iter().map(move |task| (task, limit))) {
                    shared.conclude_pending(task, Err(Failure::TimedOut { limit, trace: None }), actions);
                }
                self.rebalance(shared, actions);
            }
            refusal
        });
        if let Some(reason) = refusal {
            return Err(reason);
        }
        // Here, because no lock is held.
        for task in &tasks {
            if let Some(at) = task.total_end().filter(|_| expired.is_none()) {
                let alarm: Arc<dyn Alarm> = task.clone();
                deadline::add(at, TimeLimit::Total, &alarm);
            }
        }
        Ok(tasks)
    }

    fn make_for_worker(&self, spec: Spec<W>) -> Arc<Task<W>> {
        let (timeout, total) = (spec.timeout, spec.total_timeout);
        let is_limited = timeout.is_some() || total.is_some();
        let limits = is_limited.then(|| Box::new(Limits { timeout, total, pool: self.weak.clone() }));
        Task::for_worker(self.inbox.next_id(), spec, limits, Instant::now())
    }

    fn pin_all(&self, shared: &mut Shared<W>, tasks: &[Arc<Task<W>>], actions: &mut Actions<W>) {
        let kind = self.config.warm_kind;
        let ids: Vec<_> = shared.workers.that_claim(kind).collect();
        let mut all: VecDeque<_> = tasks.iter().cloned().collect();
        for id in ids {
            let Some(task) = all.pop_front() else { return };
            shared.bring_back_from(id, actions);
            shared.pin(id, task);
        }
        shared.broadcasts.push(shared.asked, all);
    }

    /// The tasks of broadcasts that wait for this worker.
    #[must_use]
    pub fn pinned_to(&self, id: WorkerId) -> Vec<Arc<Task<W>>> {
        let mut shared = self.state.lock();
        let pinned = shared.workers.get(id).map(|record| record.pinned.as_slice()).unwrap_or_default();
        pinned.iter().filter(|task| task.is_for_worker).cloned().collect()
    }
}

impl<W: Work> Shared<W> {
    /// Only worker `id` claims this task: before all others but those of earlier broadcasts.
    fn pin(&mut self, id: WorkerId, task: Arc<Task<W>>) {
        let Some(record) = self.workers.get(id) else { return };
        let at = record.pinned.iter().position(|other| !other.is_for_worker).unwrap_or(record.pinned.len());
        record.pinned.insert(at, task);
        self.transit.pinned += 1;
    }

    /// A worker has attached that was asked for as this one: it gets what waits for it.
    pub(crate) fn pin_what_is_owed(&mut self, id: WorkerId, start: Option<u64>) {
        for task in self.broadcasts.take_for(start) {
            self.pin(id, task);
        }
    }

    /// A worker that was asked for will not come, or several: takes what waits for them.
    pub(crate) fn take_what_is_owed(
        &mut self,
        kind: Kind,
        warm_kind: Kind,
        start: Option<u64>,
    ) -> Vec<Arc<Task<W>>> {
        if kind != warm_kind || self.broadcasts.len() == 0 {
            return Vec::new();
        }
        let mut lost = if start.is_some() { self.broadcasts.take_for(start) } else { Vec::new() };
        lost.extend(self.broadcasts.take_beyond(self.workers.starting[kind as usize]));
        lost
    }

    /// That is lost, with the pool if that has broken.
    pub(crate) fn lose(
        &mut self,
        tasks: Vec<Arc<Task<W>>>,
        cause: Option<&W::Error>,
        actions: &mut Actions<W>,
    ) {
        for task in tasks {
            let cause = cause.cloned();
            let failure = match self.phase {
                Phase::Broken { .. } => Failure::Broken { cause },
                _ => Failure::Lost { exit: None, cause },
            };
            self.conclude(&task, Err(failure), actions);
            actions.removed.push(task);
        }
    }

    /// A task of a broadcast that waits was settled: takes it out of wherever it is.
    pub(crate) fn forget_pinned(&mut self, task: &Arc<Task<W>>) {
        if !self.broadcasts.forget(task) {
            self.unpin(task);
        }
    }

    /// Takes every task of a broadcast that waits for workers of `kind`.
    pub(crate) fn drain_broadcasts(&mut self, kind: Kind) -> Vec<Arc<Task<W>>> {
        let mut all = self.broadcasts.take_beyond(0);
        if self.transit.pinned == 0 {
            return all;
        }
        let ids: Vec<_> =
            self.workers.iter().filter(|(_, record)| record.kind == kind).map(|(id, _)| id).collect();
        for id in ids {
            let Some(record) = self.workers.get(id) else { continue };
            let pinned: Vec<_> = record.pinned.extract_if(.., |task| task.is_for_worker).collect();
            let is_free = record.pinned.is_empty();
            self.transit.pinned -= pinned.len();
            if is_free && !pinned.is_empty() {
                self.set_free(id);
            }
            all.extend(pinned);
        }
        all
    }

    /// How many tasks of broadcasts wait.
    pub(crate) fn broadcasts_waiting(&self) -> usize {
        let pinned = |(_, record): (WorkerId, &crate::workers::registry::Record<W>)| {
            record.pinned.iter().filter(|task| task.is_for_worker).count()
        };
        let in_records = if self.transit.pinned == 0 { 0 } else { self.workers.iter().map(pinned).sum() };
        self.broadcasts.len() + in_records
    }

    /// Whether a worker has something pinned to it and needs a place to claim it: the next one is for it.
    pub(crate) fn pinned_needs_place(&self) -> bool {
        self.transit.pinned > 0
            && self.workers.iter().any(|(_, record)| {
                let rests = matches!(record.state, WorkerState::Idle | WorkerState::Partial);
                rests && !record.has_place && !record.pinned.is_empty()
            })
    }
}
