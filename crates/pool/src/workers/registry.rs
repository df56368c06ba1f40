//! The workers of a pool: what the pool knows of each, and the lists from which they are woken.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::task::task::Task;
use crate::task::work::{Kind, Work, WorkerId, WorkerLink};
use crate::workers::state::WorkerState;

pub(crate) struct Record<W: Work> {
    pub(crate) kind: Kind,
    pub(crate) state: WorkerState,
    /// Whether it has attached and not asked for a task yet.
    pub(super) is_new: bool,
    pub(crate) link: Arc<dyn WorkerLink<W>>,
    pub(crate) held: Vec<Arc<Task<W>>>,
    /// Tasks that were sent to this worker and wait there, in the order in which it begins them; see
    /// `scheduler::ahead`.
    pub(crate) ahead: VecDeque<Arc<Task<W>>>,
    /// Tasks that only this worker can claim, because their payload was handed over to it.
    pub(crate) pinned: Vec<Arc<Task<W>>>,
    /// Whether it is counted in `Registry::active`.
    pub(crate) has_place: bool,
    /// How many waits of its tasks go on; see `Worker::suspend`.
    pub(crate) suspended: u32,
    /// How many of them block the worker's thread, so that others must take what it cannot.
    pub(super) lending: u32,
    /// Whether the wait that blocks it has a limit of time; see `Worker::suspend_for`.
    pub(super) is_limited: bool,
    /// The task that comes before all others because this worker blocks for it.
    pub(crate) hurries: Option<Arc<Task<W>>>,
    /// Whether that task needs another worker in any case.
    pub(crate) is_stranded: bool,
    /// Whether it claims nothing more but what is pinned to it, and leaves when it holds nothing.
    is_worn_out: bool,
    /// Whether it comes for a task that is its own; it is counted in `Registry::for_own` then.
    comes_for_own: bool,
    /// Tasks claimed so far.
    pub(crate) claimed: u64,
    /// Those among them that do not wear it out.
    pub(crate) uncounted: u64,
    /// Whether it is counted in `Registry::died`.
    has_died: bool,
}

struct Slot<W: Work> {
    generation: u32,
    record: Option<Record<W>>,
}

/// All workers, and how many are where. Guarded by the pool's mutex.
pub(crate) struct Registry<W: Work> {
    slots: Vec<Slot<W>>,
    free: Vec<u32>,
    pub(super) idle: [Vec<WorkerId>; Kind::COUNT],
    partial: [Vec<WorkerId>; Kind::COUNT],
    lingering: [Vec<WorkerId>; Kind::COUNT],
    /// Workers that hold a place in the budget. Changed by `take_place` and `leave_place`.
    pub(crate) active: usize,
    /// Attached and neither retiring, leaving nor abandoned.
    pub(crate) living: [usize; Kind::COUNT],
    pub(crate) retiring: [usize; Kind::COUNT],
    /// Asked of the host, not attached yet. Changed by rebalancing, attaching and failed starts.
    pub(crate) starting: [usize; Kind::COUNT],
    pub(crate) preparing: [usize; Kind::COUNT],
    pub(crate) woken: [usize; Kind::COUNT],
    /// Woken, or preparing, for a task that only this worker may begin: no help for any other.
    for_own: [usize; Kind::COUNT],
    /// Living, with a task that waits for a future and keeps the worker from claiming: another may be started
    /// instead. Changed by `suspend`, `resume`, `lend_for` and `set_state`.
    pub(crate) waiting: [usize; Kind::COUNT],
    /// Those among them that wait for a limited time.
    pub(crate) limited: [usize; Kind::COUNT],
    /// The most workers that the system allows, as far as failed starts have shown.
    pub(crate) allowed: [usize; Kind::COUNT],
    /// Attached and not abandoned: what a closing pool waits for.
    pub(crate) present: usize,
    pub(crate) abandoned: usize,
    /// Workers that have ended by themselves so far, at their start or later: neither told to, nor given up.
    pub(crate) died: u64,
}

impl<W: Work> Registry<W> {
    pub(crate) fn new() -> Self {
        Registry {
            slots: Vec::new(),
            free: Vec::new(),
            idle: [const { Vec::new() }; Kind::COUNT],
            partial: [const { Vec::new() }; Kind::COUNT],
            lingering: [const { Vec::new() }; Kind::COUNT],
            active: 0,
            living: [0; Kind::COUNT],
            retiring: [0; Kind::COUNT],
            starting: [0; Kind::COUNT],
            preparing: [0; Kind::COUNT],
            woken: [0; Kind::COUNT],
            for_own: [0; Kind::COUNT],
            waiting: [0; Kind::COUNT],
            limited: [0; Kind::COUNT],
            allowed: [usize::MAX; Kind::COUNT],
            present: 0,
            abandoned: 0,
            died: 0,
        }
    }

    pub(crate) fn insert(&mut self, kind: Kind, link: Arc<dyn WorkerLink<W>>) -> WorkerId {
        let record = Record {
            kind,
            state: WorkerState::Preparing,
            is_new: true,
            link,
            held: Vec::new(),
            ahead: VecDeque::new(),
            pinned: Vec::new(),
            has_place: false,
            suspended: 0,
            lending: 0,
            is_limited: false,
            hurries: None,
            is_stranded: false,
            is_worn_out: false,
            comes_for_own: false,
            claimed: 0,
            uncounted: 0,
            has_died: false,
        };
        self.living[kind as usize] += 1;
        // Until it claims it counts as coming for a task, so that no other worker is started for that task.
        self.preparing[kind as usize] += 1;
        self.present += 1;
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { generation: 0, record: None });
            (self.slots.len() - 1) as u32
        });
        let place = &mut self.slots[slot as usize];
        place.record = Some(record);
        WorkerId { slot, generation: place.generation }
    }

    pub(crate) fn get(&mut self, id: WorkerId) -> Option<&mut Record<W>> {
        let slot = self.slots.get_mut(id.slot as usize)?;
        if slot.generation == id.generation { slot.record.as_mut() } else { None }
    }

    /// Forgets a worker; its record, with the tasks that it holds, goes to the caller.
    pub(crate) fn remove(&mut self, id: WorkerId) -> Option<Record<W>> {
        self.set_state(id, WorkerState::Leaving);
        self.leave_place(id);
        let slot = self.slots.get_mut(id.slot as usize)?;
        if slot.generation != id.generation {
            return None;
        }
        let record = slot.record.take()?;
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(id.slot);
        if record.state == WorkerState::Abandoned {
            self.abandoned -= 1;
        } else {
            self.present -= 1;
        }
        Some(record)
    }

    /// The only place where a worker's state changes: keeps the lists and counts in step. An
    /// abandoned worker stays abandoned, and one that retires or ends does so until it has left.
    pub(crate) fn set_state(&mut self, id: WorkerId, next: WorkerState) {
        let Some(record) = self.get(id) else { return };
        let (kind, before) = (record.kind as usize, record.state);
        let ends = next.is_over();
        let only_ends = matches!(before, WorkerState::Retiring | WorkerState::Ending);
        let is_over = before == WorkerState::Abandoned || (only_ends && !ends);
        if before == next || is_over {
            return;
        }
        (record.state, record.is_new) = (next, false);
        let came_for_own = std::mem::take(&mut record.comes_for_own);
        let has_no_waits = ends || next == WorkerState::Retiring;
        if has_no_waits {
            record.suspended = 0;
            self.change_lending(id, |_| 0, false);
        }
        self.for_own[kind] -= usize::from(came_for_own);
        match before {
            WorkerState::Idle => forget(&mut self.idle[kind], id),
            WorkerState::Partial => forget(&mut self.partial[kind], id),
            WorkerState::Lingering => forget(&mut self.lingering[kind], id),
            WorkerState::Woken => self.woken[kind] -= 1,
            WorkerState::Preparing => self.preparing[kind] -= 1,
            WorkerState::Retiring => self.retiring[kind] -= 1,
            WorkerState::Busy
            | WorkerState::Reserved
            | WorkerState::Ending
            | WorkerState::Leaving
            | WorkerState::Abandoned => {}
        }
        let lived = usize::from(!matches!(before, WorkerState::Leaving | WorkerState::Retiring));
        match next {
            WorkerState::Idle => self.idle[kind].push(id),
            WorkerState::Partial => self.partial[kind].push(id),
            WorkerState::Lingering => self.lingering[kind].push(id),
            WorkerState::Woken => self.woken[kind] += 1,
            WorkerState::Preparing => self.preparing[kind] += 1,
            WorkerState::Retiring => {
                self.living[kind] -= lived;
                self.retiring[kind] += 1;
            }
            WorkerState::Leaving => self.living[kind] -= lived,
            WorkerState::Abandoned => {
                self.living[kind] -= lived;
                self.present -= 1;
                self.abandoned += 1;
            }
            WorkerState::Busy | WorkerState::Reserved | WorkerState::Ending => {}
        }
    }

    /// Counts the death of worker `id`, once, unless the pool has told it to end.
    pub(crate) fn note_death(&mut self, id: WorkerId) {
        let was_told = self.was_told_to_end(id);
        let Some(record) = self.get(id) else { return };
        if !was_told && !std::mem::replace(&mut record.has_died, true) {
            self.died += 1;
        }
    }

    pub(crate) fn was_told_to_end(&mut self, id: WorkerId) -> bool {
        self.get(id).is_some_and(|record| record.state.is_over())
    }

    pub(crate) fn take_place(&mut self, id: WorkerId) {
        let Some(record) = self.get(id) else { return };
        if !record.has_place && record.state != WorkerState::Retiring {
            record.has_place = true;
            self.active += 1;
        }
    }

    pub(crate) fn leave_place(&mut self, id: WorkerId) {
        let Some(record) = self.get(id) else { return };
        if record.has_place {
            record.has_place = false;
            self.active -= 1;
        }
    }

    /// The workers of `kind` that claim, or are on their way.
    pub(crate) fn existing(&self, kind: Kind) -> usize {
        self.living[kind as usize] + self.starting[kind as usize]
    }

    /// Workers that will ask for a task without having been sent for another one.
    pub(crate) fn coming(&self, kind: Kind) -> usize {
        let k = kind as usize;
        self.starting[k] + self.preparing[k] + self.woken[k] - self.for_own[k]
    }

    /// Workers that were told to claim and have not come yet.
    #[inline]
    pub(crate) fn woken(&self, kind: Kind) -> usize {
        self.woken[kind as usize]
    }

    /// Woken workers that were not woken for a task of their own. Where one prepares for such a task it is
    /// taken for one more that is woken for it: then a worker is sent too many.
    pub(crate) fn helping(&self, kind: Kind) -> usize {
        self.woken[kind as usize].saturating_sub(self.for_own[kind as usize])
    }

    /// Worker `id`, which was just woken or prepares, does so for a task that is its own.
    pub(crate) fn note_for_own(&mut self, id: WorkerId) {
        let Some(record) = self.get(id) else { return };
        if matches!(record.state, WorkerState::Woken | WorkerState::Preparing) && !record.comes_for_own {
            record.comes_for_own = true;
            let kind = record.kind as usize;
            self.for_own[kind] += 1;
        }
    }

    /// Worker `id` claims nothing more but what is pinned to it.
    pub(crate) fn wear_out(&mut self, id: WorkerId) {
        if let Some(record) = self.get(id) {
            record.is_worn_out = true;
        }
    }

    /// What is known of worker `id`.
    pub(crate) fn look(&self, id: WorkerId) -> Option<&Record<W>> {
        let slot = self.slots.get(id.slot as usize)?;
        if slot.generation == id.generation { slot.record.as_ref() } else { None }
    }

    /// The idle worker that went idle last: the others may time out.
    pub(crate) fn last_idle(&self, kind: Kind) -> Option<WorkerId> {
        self.idle[kind as usize].last().copied()
    }

    pub(crate) fn last_lingering(&self, kind: Kind) -> Option<WorkerId> {
        self.lingering[kind as usize].last().copied()
    }

    pub(crate) fn has_partial(&self, kind: Kind) -> bool {
        !self.partial[kind as usize].is_empty()
    }

    /// The worker that last had room for one more task, needs no `free` place to take it, and `is_meant`.
    pub(crate) fn last_partial(
        &self,
        kind: Kind,
        free: bool,
        is_meant: impl Fn(&Record<W>) -> bool,
    ) -> Option<WorkerId> {
        let may_take = |id: &WorkerId| {
            let record = self.slots.get(id.slot as usize).and_then(|slot| slot.record.as_ref());
            record.is_some_and(|record| !record.is_worn_out && (free || record.has_place) && is_meant(record))
        };
        self.partial[kind as usize].iter().rev().find(|id| may_take(id)).copied()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (WorkerId, &Record<W>)> {
        self.slots.iter().enumerate().filter_map(|(slot, place)| {
            let id = WorkerId { slot: slot as u32, generation: place.generation };
            place.record.as_ref().map(|record| (id, record))
        })
    }
}

/// Takes `id` out of `list`, from the end, where it usually is.
fn forget(list: &mut Vec<WorkerId>, id: WorkerId) {
    if let Some(at) = list.iter().rposition(|other| *other == id) {
        list.remove(at);
    }
}
