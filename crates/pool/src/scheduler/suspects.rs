//! Workers that die when they have made something ready that tasks need, a module for instance, and have
//! begun no task since: what they have made ready has probably ended them.
//!
//! Each such death takes the first waiting task along that needs the *suspect*, so a preparation which always
//! ends its worker ends no more workers than there are tasks that need it. The other tasks that need it are
//! barred for a while, which grows with each death; then the first of them is tried. All other tasks go on
//! meanwhile, and such a death counts as no failed start. A task that begins clears the suspect.

use std::time::Instant;

use crate::queue::task_queue::TaskQueue;
use crate::scheduler::actions::Actions;
use crate::scheduler::pool::{Pool, Shared};
use crate::task::outcome::Failure;
use crate::task::work::{Kind, Needs, Work, WorkerId};
use crate::workers::pause::Pause;

/// What a worker had made ready, and had not used, when it died.
pub struct Blame {
    /// What a task needs that it was made ready for.
    pub needs: u32,
    /// Whether a task that needs something else is concerned, too.
    pub covers: Needs,
}

impl<W: Work> Pool<W> {
    /// A worker of `kind` has died, probably of this: takes the first task along that needs it, and bars the
    /// others. None is taken without `lost`: one that was pinned to the worker has gone with it.
    pub(crate) fn blame(
        &self,
        shared: &mut Shared<W>,
        kind: Kind,
        blame: &Blame,
        lost: Option<Failure<W>>,
        actions: &mut Actions<W>,
    ) {
        for suspect in shared.suspects.remove_old(actions.now) {
            shared.queues(suspect.kind).for_each(|queue| queue.clear(suspect.number));
            shared.keyed.suspected.clear(suspect.number);
        }
        let suspect = shared.suspects.find(kind, blame.needs, &blame.covers, actions.now);
        suspect.last = actions.now;
        if suspect.pause.is_none() {
            suspect.bars += 1;
            let config = &self.config;
            let length = Pause::length(suspect.bars, config.start_pause, config.longest_start_pause);
            suspect.pause = Some(self.pause(length, actions));
        }
        let (number, covers) = (suspect.number, suspect.covers.clone());
        shared.queues(kind).for_each(|queue| queue.bar(number, &covers));
        if kind == shared.keyed.kind {
            shared.keyed.suspected.bar(number, &covers);
        }
        let Some(lost) = lost else { return };
        let mut first = shared.keyed.first_of(number);
        for queue in shared.queues(kind) {
            let found = queue.first_of(number, &mut actions.removed);
            first = [first, found].into_iter().flatten().min_by_key(|(place, _)| *place);
        }
        match first {
            Some((_, task)) => {
                shared.conclude_pending(&task, Err(lost), actions);
                actions.removed.push(task);
            }
            // Its destructor is the user's.
            None => actions.late.push(Err(lost)),
        }
    }
}

impl<W: Work> Shared<W> {
    /// What waits for workers of `kind`.
    fn queues(&mut self, kind: Kind) -> impl Iterator<Item = &mut TaskQueue<W>> {
        let transit = &mut self.transit;
        let in_transit = (kind == transit.kind).then_some(&mut transit.waiting);
        std::iter::once(&mut self.lanes[kind as usize]).chain(in_transit)
    }

    /// Has the first task tried that needs a suspect which has been barred long enough.
    pub(crate) fn end_bars(&mut self, now: Instant) {
        for (kind, number) in self.suspects.end_bars(now) {
            self.queues(kind).for_each(|queue| queue.try_first(number));
            self.keyed.suspected.try_first(number);
        }
    }

    /// A task has begun that needs this: it is no suspect any more.
    pub(crate) fn clear_suspect(&mut self, kind: Kind, needs: u32) {
        if self.suspects.is_empty() {
            return;
        }
        if let Some(suspect) = self.suspects.remove(kind, needs) {
            self.queues(kind).for_each(|queue| queue.clear(suspect.number));
            self.keyed.suspected.clear(suspect.number);
            self.must_rebalance = true;
        }
    }

    /// Worker `id` asks for a task, or has ended: it does not prepare for the first task of a suspect any
    /// more.
    pub(crate) fn end_trial(&mut self, kind: Kind, id: WorkerId) {
        if !self.suspects.is_empty() {
            self.lanes[kind as usize].end_trial(id);
            self.keyed.suspected.end_trial(id);
        }
    }
}
