//! How many workers may hold tasks at once, which can change at any time.
//!
//! A pool that becomes larger sends workers for what waits at once. In one that becomes smaller everything
//! that runs goes on. Until no more workers hold a place than may, none of those that have one claims a task;
//! and until there are no more of a kind than may be, those that are idle leave. What tasks that wait have
//! left their places to (workers that were lent) does not count as too many meanwhile.

use std::sync::Arc;

use crate::scheduler::actions::Actions;
use crate::scheduler::pool::{Pool, Shared};
use crate::task::work::{Kind, Work};

impl<W: Work> Pool<W> {
    /// How many workers of all kinds together may hold tasks at once, now.
    #[must_use]
    pub fn max_workers(&self) -> usize {
        self.state.lock().max_workers
    }

    /// Changes that. False, and nothing changes, if it is less than `Config::min_workers`, or 0. A pool that
    /// is closed stays as it is.
    pub fn resize(self: &Arc<Self>, max_workers: usize) -> bool {
        if max_workers < self.config.min_workers.max(1) {
            return false;
        }
        self.change(|shared, actions| {
            if shared.closed {
                return;
            }
            let is_smaller = max_workers < shared.max_workers;
            shared.max_workers = max_workers;
            // Others may be there for these now, or the worker that they wait at may be one too many.
            for kind in Kind::ALL {
                shared.bring_all_back(kind, actions);
                shared.shrinks[kind as usize] |= is_smaller;
            }
            self.rebalance(shared, actions);
        });
        true
    }

    /// Wakes the idle workers that are too many: when they claim they are told to leave.
    pub(crate) fn wake_surplus(&self, shared: &mut Shared<W>, actions: &mut Actions<W>) {
        if !shared.is_shrinking() {
            return;
        }
        for kind in Kind::ALL {
            // Those that are woken already answer by themselves.
            let surplus = shared.surplus(kind).saturating_sub(shared.workers.woken[kind as usize]);
            if surplus > 0 {
                for id in shared.workers.free_idle(kind).into_iter().take(surplus) {
                    shared.wake(id, actions);
                }
            }
        }
    }
}

impl<W: Work> Shared<W> {
    /// Ends what a change of the size has begun, where there are no more workers than may be.
    pub(crate) fn note_size(&mut self) {
        if !self.is_shrinking() || self.workers.active > self.max_workers {
            return;
        }
        for kind in Kind::ALL {
            let k = kind as usize;
            self.shrinks[k] &= self.workers.existing(kind) > self.max_workers;
        }
    }

    /// Whether workers that were there before the pool has become smaller may still be too many.
    pub(crate) fn is_shrinking(&self) -> bool {
        self.shrinks != [false; Kind::COUNT]
    }

    /// Whether one of the workers of `kind` is to leave.
    pub(crate) fn has_surplus(&self, kind: Kind) -> bool {
        self.shrinks[kind as usize] && self.surplus(kind) > 0
    }

    /// How many workers of `kind` are to leave because the pool has become smaller.
    fn surplus(&self, kind: Kind) -> usize {
        let k = kind as usize;
        let most = self.max_workers + self.workers.waiting[k];
        if self.shrinks[k] { self.workers.living[k].saturating_sub(most) } else { 0 }
    }
}
