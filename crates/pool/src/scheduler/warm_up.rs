//! Workers that are started before there are tasks for them, because somebody waits until they are there.
//!
//! Whoever waits has a future, which is a task's but is in no queue and no count. So many workers are started
//! as the largest of these wants, beside those that tasks need; none of them takes a place until it claims a
//! task. Workers that die are replaced, and none leaves for being idle, until so many live at once. If the
//! pool becomes smaller meanwhile as many are enough as there may be.

use std::sync::Arc;
use std::time::Instant;

use crate::scheduler::actions::Actions;
use crate::scheduler::pool::{Pool, Refusal, Shared};
use crate::task::outcome::{Failure, Outcome};
use crate::task::spec::Spec;
use crate::task::task::Task;
use crate::task::work::Work;
use crate::workers::warm_up::WarmUp;

impl<W: Work> Pool<W> {
    /// Starts workers of [`Config::warm_kind`](crate::Config::warm_kind) until `workers` live. The future
    /// gets `value` then; it is cancelled if the pool is shut down before, and fails as tasks do if workers
    /// do not start. Of `spec` only the owner counts.
    pub fn warm_up(
        self: &Arc<Self>,
        spec: Spec<W>,
        workers: usize,
        value: W::Value,
    ) -> Result<Arc<Task<W>>, Refusal<W>> {
        let task = Task::new(self.inbox.next_id(), spec, None, Instant::now());
        let wanted = WarmUp { task: task.clone(), workers, value };
        let refused = self.change(|shared, actions| match shared.why_over() {
            Some(reason) => Some((reason, wanted)),
            None => {
                shared.warm_ups.push(wanted);
                self.rebalance(shared, actions);
                None
            }
        });
        match refused {
            Some((reason, _)) => Err(reason),
            None => Ok(task),
        }
    }

    /// Settles the warm-ups that are over.
    #[inline]
    pub(crate) fn see_to_warm_ups(&self, shared: &mut Shared<W>, actions: &mut Actions<W>) {
        if !shared.warm_ups.is_empty() {
            self.settle_warm_ups(shared, actions);
        }
    }

    #[cold]
    fn settle_warm_ups(&self, shared: &mut Shared<W>, actions: &mut Actions<W>) {
        if !shared.is_open() {
            shared.fail_warm_ups(actions, |_| true, || Failure::Cancelled);
            return;
        }
        let ready = shared.workers.ready(self.config.warm_kind);
        let most = shared.max_workers;
        for WarmUp { task, value, .. } in
            shared.warm_ups.extract_if(.., |one| one.workers.min(most) <= ready).collect::<Vec<_>>()
        {
            shared.settle_uncounted(&task, Ok(value), actions);
        }
    }
}

impl<W: Work> Shared<W> {
    /// How many workers are started for those who wait for them, and kept meanwhile.
    pub(crate) fn warm_up_wants(&self) -> usize {
        let most = self.warm_ups.iter().map(|one| one.workers).max();
        most.unwrap_or(0).min(self.max_workers)
    }

    /// Fails the warm-ups of which this is true.
    pub(crate) fn fail_warm_ups(
        &mut self,
        actions: &mut Actions<W>,
        is_meant: impl Fn(&Task<W>) -> bool,
        failure: impl Fn() -> Failure<W>,
    ) {
        for WarmUp { task, value, .. } in
            self.warm_ups.extract_if(.., |one| is_meant(&one.task)).collect::<Vec<_>>()
        {
            self.settle_uncounted(&task, Err(failure()), actions);
            // Its destructor is the user's.
            actions.late.push(Ok(value));
        }
    }

    fn settle_uncounted(&mut self, task: &Arc<Task<W>>, outcome: Outcome<W>, actions: &mut Actions<W>) {
        match task.settle(outcome) {
            Ok((work, _)) => {
                actions.dropped.extend(work);
                actions.announce.push(task.clone());
            }
            Err(late) => actions.late.push(late),
        }
    }
}
