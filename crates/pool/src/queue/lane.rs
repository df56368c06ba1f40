//! The waiting tasks of one kind: higher priority first, then in order of submission.
//!
//! A bucket for each priority in use keeps the usual case, one priority, a plain ring buffer whose cost does
//! not grow with its length. Cancelled tasks stay as tombstones until they reach the head or outnumber those
//! that wait. What is removed is given to the caller, who drops it after the mutex is released: the last
//! reference to a task runs the user's destructors.

use std::cmp::Ordering;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::task::states::State;
use crate::task::task::Task;
use crate::task::work::Work;

/// A priority in the order of the queue: the smallest comes first. Not NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rank(f64);

impl Rank {
    pub(crate) fn new(priority: f64) -> Self {
        // -0 and 0 are one priority.
        Rank(priority + 0.0)
    }
}

/// The rank before which there is none.
const FIRST: Rank = Rank(f64::INFINITY);

impl Eq for Rank {}

impl PartialOrd for Rank {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Rank {
    fn cmp(&self, other: &Self) -> Ordering {
        other.0.total_cmp(&self.0)
    }
}

/// Where a task stands among all that wait: its rank, then its number.
pub(crate) type Place = (Rank, u64);

pub(crate) struct Lane<W: Work> {
    buckets: BTreeMap<Rank, VecDeque<Arc<Task<W>>>>,
    /// Tasks that wait and come before all others, for as long as a worker blocks for them: see `hurry`. Each
    /// has its entry in a bucket all the same.
    hurried: Vec<Arc<Task<W>>>,
    /// The last bucket that ran empty, kept for its memory.
    spare: VecDeque<Arc<Task<W>>>,
    /// Tasks that wait. Changed by `push`, `restore`, `put_back`, `pop`, `forget`, `drain`, `extract` and
    /// `merge`.
    live: usize,
    /// Tombstones: entries whose task no longer waits. Changed by `restore`, `forget`, `head`, `sweep`,
    /// `drain` and `merge`.
    dead: usize,
}

impl<W: Work> Default for Lane<W> {
    fn default() -> Self {
        Lane { buckets: BTreeMap::new(), hurried: Vec::new(), spare: VecDeque::new(), live: 0, dead: 0 }
    }
}

/// The longest ring buffer that is kept when it runs empty.
const SPARE_CAPACITY: usize = 4096;

impl<W: Work> Lane<W> {
    pub(crate) fn len(&self) -> usize {
        self.live
    }

    pub(crate) fn push(&mut self, task: Arc<Task<W>>) {
        let spare = &mut self.spare;
        let bucket = self.buckets.entry(Rank::new(task.priority)).or_insert_with(|| std::mem::take(spare));
        bucket.push_back(task);
        self.live += 1;
    }

    /// A task that was taken waits again, where it was.
    pub(crate) fn restore(&mut self, task: Arc<Task<W>>) {
        let bucket = self.buckets.entry(Rank::new(task.priority)).or_default();
        if bucket.iter().any(|other| Arc::ptr_eq(other, &task)) {
            // It was claimed out of turn: its entry was a tombstone.
            self.live += 1;
            self.dead -= 1;
            return;
        }
        self.put_back(task);
    }

    /// The same for one that `pop` has taken in its turn: it is looked for from the front.
    pub(crate) fn put_back(&mut self, task: Arc<Task<W>>) {
        let bucket = self.buckets.entry(Rank::new(task.priority)).or_default();
        self.live += 1;
        let at = bucket.iter().position(|other| other.id() > task.id()).unwrap_or(bucket.len());
        bucket.insert(at, task);
    }

    /// The task that comes next, and its place among all lanes. Drops the tombstones before it.
    pub(crate) fn head(&mut self, removed: &mut Vec<Arc<Task<W>>>) -> Option<(Place, &Arc<Task<W>>)> {
        if !self.hurried.is_empty() {
            return self.hurried.first().map(|task| ((FIRST, task.id()), task));
        }
        while self.dead > 0 {
            let first = self.first()?;
            if first.state() == State::Pending {
                break;
            }
            removed.extend(self.remove_first());
            self.dead -= 1;
        }
        let (rank, bucket) = self.buckets.first_key_value()?;
        let task = bucket.front()?;
        Some(((*rank, task.id()), task))
    }

    /// Takes the task that `head` has just shown.
    pub(crate) fn pop(&mut self) -> Option<Arc<Task<W>>> {
        if !self.hurried.is_empty() {
            // Its entry in its bucket is a tombstone as soon as the caller has begun it.
            self.live -= 1;
            self.dead += 1;
            let task = self.hurried.remove(0);
            self.calm(&task);
            return Some(task);
        }
        let task = self.remove_first();
        if task.is_some() {
            self.live -= 1;
        }
        task
    }

    /// A waiting task was settled, or claimed out of turn: its entry is a tombstone now.
    pub(crate) fn forget(&mut self, removed: &mut Vec<Arc<Task<W>>>) {
        removed.extend(self.hurried.extract_if(.., |task| task.state() != State::Pending));
        self.live -= 1;
        self.dead += 1;
        if self.dead > self.live + 64 {
            self.sweep(removed);
        }
    }

    /// A task that waits here comes before all others, until it was popped, or `calm` puts it back where it
    /// was. Several may hurry the same one.
    pub(crate) fn hurry(&mut self, task: &Arc<Task<W>>) {
        self.hurried.push(task.clone());
    }

    pub(crate) fn calm(&mut self, task: &Arc<Task<W>>) {
        self.hurried.retain(|other| !Arc::ptr_eq(other, task));
    }

    /// How many tasks wait here that were hurried.
    pub(crate) fn hurried(&self) -> usize {
        self.hurried.len()
    }

    /// Moves a task that waits here before all others.
    pub(crate) fn expedite(&mut self, task: &Arc<Task<W>>) {
        let Some(bucket) = self.buckets.get_mut(&Rank::new(task.priority)) else { return };
        // From the end: it was probably submitted lately.
        let Some(at) = bucket.iter().rposition(|other| Arc::ptr_eq(other, task)) else { return };
        bucket.remove(at);
        if bucket.is_empty() {
            self.buckets.remove(&Rank::new(task.priority));
        }
        self.buckets.entry(FIRST).or_default().push_back(task.clone());
    }

    /// Whether the first was expedited.
    pub(crate) fn is_urgent(&self) -> bool {
        self.buckets.first_key_value().is_some_and(|(rank, _)| *rank == FIRST)
    }

    /// Takes every task that waits.
    pub(crate) fn drain(&mut self, removed: &mut Vec<Arc<Task<W>>>) -> Vec<Arc<Task<W>>> {
        let buckets = std::mem::take(&mut self.buckets);
        removed.append(&mut self.hurried);
        (self.live, self.dead) = (0, 0);
        let all = buckets.into_values().flatten();
        let (waiting, settled) = all.partition(|task| task.state() == State::Pending);
        removed.extend::<Vec<_>>(settled);
        waiting
    }

    /// Whether a task waits that needs this.
    pub(crate) fn wants(&self, needs: u32) -> bool {
        self.iter().any(|task| task.needs() == needs && task.state() == State::Pending)
    }

    /// All entries, tombstones among them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Task<W>>> {
        self.buckets.values().flatten()
    }

    /// Takes the waiting tasks of which this is true into a lane of their own.
    pub(crate) fn extract(&mut self, is_meant: impl Fn(&Task<W>) -> bool) -> Lane<W> {
        let mut taken = Lane::default();
        self.buckets.retain(|_, bucket| {
            bucket.retain(|task| {
                let stays = task.state() != State::Pending || !is_meant(task);
                if !stays {
                    taken.push(task.clone());
                }
                stays
            });
            !bucket.is_empty()
        });
        self.live -= taken.live;
        taken.hurried = self.hurried.extract_if(.., |task| is_meant(task)).collect();
        taken
    }

    /// Takes in all entries of another lane, each where it would have been.
    pub(crate) fn merge(&mut self, other: Lane<W>) {
        (self.live, self.dead) = (self.live + other.live, self.dead + other.dead);
        self.hurried.extend(other.hurried);
        for (rank, mut theirs) in other.buckets {
            let ours = self.buckets.entry(rank).or_default();
            let mut merged = VecDeque::with_capacity(ours.len() + theirs.len());
            while let (Some(one), Some(two)) = (ours.front(), theirs.front()) {
                let next = if one.id() < two.id() { &mut *ours } else { &mut theirs };
                merged.extend(next.pop_front());
            }
            merged.append(ours);
            merged.append(&mut theirs);
            *ours = merged;
        }
    }

    fn first(&self) -> Option<&Arc<Task<W>>> {
        self.buckets.first_key_value().and_then(|(_, bucket)| bucket.front())
    }

    fn remove_first(&mut self) -> Option<Arc<Task<W>>> {
        let mut entry = self.buckets.first_entry()?;
        let task = entry.get_mut().pop_front();
        if entry.get().is_empty() {
            let empty = entry.remove();
            if empty.capacity() <= SPARE_CAPACITY {
                self.spare = empty;
            }
        }
        task
    }

    fn sweep(&mut self, removed: &mut Vec<Arc<Task<W>>>) {
        self.buckets.retain(|_, bucket| {
            bucket.retain(|task| {
                let waits = task.state() == State::Pending;
                if !waits {
                    removed.push(task.clone());
                }
                waits
            });
            !bucket.is_empty()
        });
        self.dead = 0;
    }
}
