//! Workers whose tasks wait: what they give up meanwhile, and whether others may be started instead.

use crate::task::work::{Work, WorkerId};

use crate::workers::registry::{Record, Registry};
use crate::workers::state::WorkerState;

impl<W: Work> Registry<W> {
    /// A task of worker `id` waits for a future: the worker gives up its place. With `lend` another worker
    /// may be started instead; with `is_limited` the wait ends by itself.
    pub(crate) fn suspend(&mut self, id: WorkerId, lend: bool, is_limited: bool) {
        let Some(record) = self.get(id) else { return };
        // These get no place again, whatever their threads still call. And where no task is held, what waits
        // is code that a task which has ended left behind.
        if record.state.claims_nothing() || record.held.is_empty() {
            return;
        }
        record.suspended += 1;
        self.change_lending(id, |record| record.lending + u32::from(lend), is_limited);
        self.leave_place(id);
    }

    /// One wait of worker `id` is over: it has a place again, also beyond the budget.
    pub(crate) fn resume(&mut self, id: WorkerId, lend: bool, capacity: usize) {
        let Some(record) = self.get(id) else { return };
        if record.suspended == 0 {
            return;
        }
        record.suspended -= 1;
        let overfull =
            record.state == WorkerState::Partial && record.held.len() >= capacity + record.suspended as usize;
        self.change_lending(
            id,
            |record| record.lending.saturating_sub(u32::from(lend)).min(record.suspended),
            false,
        );
        if overfull {
            self.set_state(id, WorkerState::Busy);
        }
        self.take_place(id);
    }

    /// Worker `id` claims nothing more: while any of its tasks waits, another worker may be started.
    pub(crate) fn lend_for(&mut self, id: WorkerId) {
        self.change_lending(id, |record| record.suspended, false);
    }

    pub(super) fn change_lending(
        &mut self,
        id: WorkerId,
        change: impl Fn(&Record<W>) -> u32,
        is_limited: bool,
    ) {
        let Some(record) = self.get(id) else { return };
        let counts = |record: &Record<W>| {
            let waits = record.lending > 0;
            (usize::from(waits), usize::from(waits && record.is_limited))
        };
        let (kind, before) = (record.kind as usize, counts(record));
        record.lending = change(record);
        record.is_limited = is_limited;
        let after = counts(record);
        self.waiting[kind] = self.waiting[kind] + after.0 - before.0;
        self.limited[kind] = self.limited[kind] + after.1 - before.1;
    }
}
