//! Which of the workers are there for what concerns all of them.

use crate::task::work::{Kind, Work, WorkerId};
use crate::workers::registry::{Record, Registry};

impl<W: Work> Record<W> {
    /// The tasks claimed so far of which it may have so many.
    pub(crate) fn counted(&self) -> u64 {
        self.claimed - self.uncounted
    }
}

impl<W: Work> Registry<W> {
    /// The idle workers to which nothing is pinned, those that went idle first before the others.
    pub(crate) fn free_idle(&mut self, kind: Kind) -> Vec<WorkerId> {
        let ids = self.idle[kind as usize].clone();
        ids.into_iter().filter(|id| self.get(*id).is_some_and(|record| record.pinned.is_empty())).collect()
    }

    /// The workers of `kind` that claim, now or when they are done.
    pub(crate) fn that_claim(&self, kind: Kind) -> impl Iterator<Item = WorkerId> {
        let claims = move |record: &Record<W>| record.kind == kind && !record.state.claims_nothing();
        self.iter().filter(move |(_, record)| claims(record)).map(|(id, _)| id)
    }

    /// How many workers of `kind` have asked for a task and will again.
    pub(crate) fn ready(&self, kind: Kind) -> usize {
        let is_ready =
            |record: &Record<W>| record.kind == kind && !record.is_new && !record.state.claims_nothing();
        self.iter().filter(|(_, record)| is_ready(record)).count()
    }
}
