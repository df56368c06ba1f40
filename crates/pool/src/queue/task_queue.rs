//! The waiting tasks of one kind: a lane, and a side lane for each *suspect*, which is something that tasks
//! need and whose preparation has ended workers.
//!
//! Tasks that need a suspect wait in its side lane and nowhere else, so that those that do not need it pass
//! them at no cost. A side lane is *barred* for a while, then *on trial*: only its first task can be seen,
//! and, while a worker prepares for that one, none. Once one of its tasks was claimed it goes, and the others
//! are back in the lane, where they would have been. Which lanes are barred, and for how long, is decided in
//! `scheduler::suspects`.

use std::sync::Arc;

use crate::queue::lane::{Lane, Place};
use crate::task::states::State;
use crate::task::task::Task;
use crate::task::work::{Needs, Work, WorkerId};

/// What can be seen of a side lane.
enum Access {
    Barred,
    /// A worker may prepare for the first task; nobody else sees that meanwhile.
    OnTrial(Option<WorkerId>),
}

struct SideLane<W: Work> {
    /// That of the suspect.
    number: u32,
    covers: Needs,
    access: Access,
    lane: Lane<W>,
}

impl<W: Work> SideLane<W> {
    /// How many of its tasks can be seen.
    fn len(&self) -> usize {
        match self.access {
            Access::Barred | Access::OnTrial(Some(_)) => 0,
            Access::OnTrial(None) => self.lane.len().min(1),
        }
    }
}

pub(crate) struct TaskQueue<W: Work> {
    lane: Lane<W>,
    sides: Vec<SideLane<W>>,
    /// The side lane in which the task is that `head` has shown, if it is in one.
    shown: Option<usize>,
}

impl<W: Work> Default for TaskQueue<W> {
    fn default() -> Self {
        TaskQueue { lane: Lane::default(), sides: Vec::new(), shown: None }
    }
}

impl<W: Work> TaskQueue<W> {
    /// The tasks that a worker can be sent for.
    // Several of these run for each task, and there is nearly never a side lane.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.lane.len() + if self.sides.is_empty() { 0 } else { self.sides.iter().map(SideLane::len).sum() }
    }

    /// All tasks that wait.
    #[inline]
    pub(crate) fn total(&self) -> usize {
        let aside = || self.sides.iter().map(|side| side.lane.len()).sum();
        self.lane.len() + if self.sides.is_empty() { 0 } else { aside() }
    }

    pub(crate) fn push(&mut self, task: Arc<Task<W>>) {
        self.lane_of(task.needs()).push(task);
    }

    pub(crate) fn restore(&mut self, task: Arc<Task<W>>) {
        self.lane_of(task.needs()).restore(task);
    }

    /// A task that `pop` has taken in its turn waits again, where it was.
    pub(crate) fn put_back(&mut self, task: Arc<Task<W>>) {
        self.lane_of(task.needs()).put_back(task);
    }

    /// The task that comes next, and its place among all queues. Drops the tombstones before it.
    #[inline]
    pub(crate) fn head(&mut self, removed: &mut Vec<Arc<Task<W>>>) -> Option<(Place, &Arc<Task<W>>)> {
        if self.sides.is_empty() { self.lane.head(removed) } else { self.head_of_all(removed) }
    }

    #[cold]
    fn head_of_all(&mut self, removed: &mut Vec<Arc<Task<W>>>) -> Option<(Place, &Arc<Task<W>>)> {
        let mut first = self.lane.head(removed).map(|(place, _)| (place, None));
        for (at, side) in self.sides.iter_mut().enumerate().filter(|(_, side)| side.len() > 0) {
            if let Some((place, _)) = side.lane.head(removed)
                && first.is_none_or(|(other, _)| place < other)
            {
                first = Some((place, Some(at)));
            }
        }
        self.shown = first?.1;
        match self.shown {
            Some(at) => self.sides[at].lane.head(removed),
            None => self.lane.head(removed),
        }
    }

    /// Takes the task that `head` has just shown.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<Arc<Task<W>>> {
        match self.shown.take() {
            Some(at) => self.sides.get_mut(at)?.lane.pop(),
            None => self.lane.pop(),
        }
    }

    /// Worker `id` prepares for the task that `head` has just shown.
    pub(crate) fn note_preparing(&mut self, id: WorkerId) {
        let side = self.shown.and_then(|at| self.sides.get_mut(at));
        if let Some(Access::OnTrial(by)) = side.map(|side| &mut side.access) {
            *by = Some(id);
        }
    }

    /// Worker `id` prepares for nothing any more.
    pub(crate) fn end_trial(&mut self, id: WorkerId) {
        for side in &mut self.sides {
            if matches!(side.access, Access::OnTrial(Some(by)) if by == id) {
                side.access = Access::OnTrial(None);
            }
        }
    }

    /// This waiting task was settled, or claimed out of turn: its entry is a tombstone now.
    pub(crate) fn forget(&mut self, task: &Arc<Task<W>>, removed: &mut Vec<Arc<Task<W>>>) {
        self.lane_of(task.needs()).forget(removed);
    }

    /// See [`Lane::hurry`]. One that needs a suspect is seen before the others as soon as it can be seen.
    pub(crate) fn hurry(&mut self, task: &Arc<Task<W>>) {
        self.lane_of(task.needs()).hurry(task);
    }

    pub(crate) fn calm(&mut self, task: &Arc<Task<W>>) {
        self.lane_of(task.needs()).calm(task);
    }

    /// How many tasks were hurried that a worker can be sent for.
    pub(crate) fn hurried(&self) -> usize {
        let sides = self.sides.iter().map(|side| side.lane.hurried().min(side.len()));
        self.lane.hurried() + sides.sum::<usize>()
    }

    /// Moves a task that waits here before all others.
    pub(crate) fn expedite(&mut self, task: &Arc<Task<W>>) {
        self.lane_of(task.needs()).expedite(task);
    }

    /// Whether the first was expedited.
    pub(crate) fn is_urgent(&self) -> bool {
        self.lane.is_urgent() || self.sides.iter().any(|side| side.len() > 0 && side.lane.is_urgent())
    }

    /// Takes every task that waits.
    pub(crate) fn drain(&mut self, removed: &mut Vec<Arc<Task<W>>>) -> Vec<Arc<Task<W>>> {
        let mut all = self.lane.drain(removed);
        for side in &mut self.sides {
            all.extend(side.lane.drain(removed));
        }
        all
    }

    /// Whether a task waits that needs this.
    pub(crate) fn wants(&self, needs: u32) -> bool {
        self.lanes().any(|lane| lane.wants(needs))
    }

    /// The waiting tasks of which this is true.
    pub(crate) fn pending(&self, is_meant: impl Fn(&Task<W>) -> bool) -> Vec<Arc<Task<W>>> {
        let all = self.lanes().flat_map(Lane::iter);
        all.filter(|task| task.state() == State::Pending && is_meant(task)).cloned().collect()
    }

    /// The first of the waiting tasks that need the suspect, whether it can be seen or not.
    pub(crate) fn first_of(
        &mut self,
        number: u32,
        removed: &mut Vec<Arc<Task<W>>>,
    ) -> Option<(Place, Arc<Task<W>>)> {
        let side = self.sides.iter_mut().find(|side| side.number == number)?;
        side.lane.head(removed).map(|(place, task)| (place, task.clone()))
    }

    /// Bars the tasks that need the suspect, those that wait and those that come.
    pub(crate) fn bar(&mut self, number: u32, covers: &Needs) {
        if !self.sides.iter().any(|side| side.number == number) {
            let lane = self.lane.extract(|task| covers(task.needs()));
            self.sides.push(SideLane { number, covers: covers.clone(), access: Access::Barred, lane });
        }
        self.set_access(number, Access::Barred);
    }

    /// The first of the tasks that need the suspect may be tried.
    pub(crate) fn try_first(&mut self, number: u32) {
        self.set_access(number, Access::OnTrial(None));
    }

    /// It is no suspect any more.
    pub(crate) fn clear(&mut self, number: u32) {
        self.shown = None;
        if let Some(at) = self.sides.iter().position(|side| side.number == number) {
            let side = self.sides.swap_remove(at);
            self.lane.merge(side.lane);
        }
    }

    fn set_access(&mut self, number: u32, access: Access) {
        self.shown = None;
        if let Some(side) = self.sides.iter_mut().find(|side| side.number == number) {
            side.access = access;
        }
    }

    fn lanes(&self) -> impl Iterator<Item = &Lane<W>> {
        std::iter::once(&self.lane).chain(self.sides.iter().map(|side| &side.lane))
    }

    fn lane_of(&mut self, needs: u32) -> &mut Lane<W> {
        match self.sides.iter_mut().find(|side| (side.covers)(needs)) {
            Some(side) => &mut side.lane,
            None => &mut self.lane,
        }
    }
}
