//! The waiting tasks that have a key. Tasks of one key run on one worker, its *home*, one after another.
//!
//! Of each key at most one task is *shown*: the one that comes next. That of a key without a home is open to
//! every worker, and the one that begins it is the key's home from then on. That of a key with a home is that
//! worker's own. The others wait behind it, so that none of them is looked at before its turn, however many
//! there are.
//!
//! A key is *held* by the tasks of it that a worker has begun and not let go. A key whose home has gone has
//! none: it shows its next task once nothing holds it any more. A key that has had no task for a while is
//! forgotten.
//!
//! What a task needs can be a suspect: then it is passed over; see `suspected`.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::queue::lane::{Place, Rank};
use crate::queue::suspected::Suspected;
use crate::sync::deadline::Alarm;
use crate::task::key::Key;
use crate::task::states::State;
use crate::task::task::Task;
use crate::task::work::{Kind, Work, WorkerId};

pub(super) struct Entry<W: Work> {
    pub(super) home: Option<WorkerId>,
    /// The numbers of the tasks that hold it, and of those that would if they did not wait.
    held: Vec<u64>,
    paused: Vec<u64>,
    waiting: BTreeMap<Place, Arc<Task<W>>>,
    /// The place of the one that is shown, and to whom.
    shown: Option<(Place, Option<WorkerId>)>,
    /// Since when it has had no task, if it has none.
    pub(super) unused_since: Instant,
    /// Whether it is in `Keyed::unused`.
    pub(super) is_listed: bool,
}

pub(crate) struct Keyed<W: Work> {
    pub(super) keys: HashMap<Key, Entry<W>>,
    open: BTreeMap<Place, Arc<Task<W>>>,
    /// Of each worker that is the home of a key: how many keys, and what is shown to it.
    homes: HashMap<WorkerId, Home<W>>,
    /// All tasks that wait.
    waiting: usize,
    /// Keys that had no task when they were put here, with the time.
    pub(super) unused: VecDeque<(Instant, Key)>,
    pub(crate) suspected: Suspected,
    /// The kind of their workers.
    pub(crate) kind: Kind,
    /// How long a key lives without tasks.
    pub(crate) keep_unused: Option<Duration>,
    /// Forgets keys. The clock holds it weakly.
    pub(crate) alarm: Option<Arc<dyn Alarm>>,
    /// Whether the clock has it.
    pub(crate) is_watched: bool,
}

struct Home<W: Work> {
    keys: usize,
    own: BTreeMap<Place, Arc<Task<W>>>,
}

impl<W: Work> Keyed<W> {
    pub(crate) fn new(kind: Kind, keep_unused: Option<Duration>) -> Self {
        Keyed {
            keys: HashMap::new(),
            open: BTreeMap::new(),
            homes: HashMap::new(),
            waiting: 0,
            unused: VecDeque::new(),
            suspected: Suspected::default(),
            kind,
            keep_unused,
            alarm: None,
            is_watched: false,
        }
    }
}

fn place_of<W: Work>(task: &Task<W>) -> Place {
    (Rank::new(task.priority), task.id())
}

impl<W: Work> Keyed<W> {
    /// Whether there is no key: so it is in most pools.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// How many keys there are.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// All tasks that wait.
    #[inline]
    pub(crate) fn total(&self) -> usize {
        self.waiting
    }

    /// How many tasks any worker could begin.
    #[inline]
    pub(crate) fn open(&self) -> usize {
        let seen = || self.open.values().filter(|task| self.suspected.shows(task.needs()));
        if self.suspected.is_empty() { self.open.len() } else { seen().count() }
    }

    /// The first of them.
    pub(crate) fn first_open(&self) -> Option<(Place, &Arc<Task<W>>)> {
        let mut tasks = self.open.iter().filter(|(_, task)| self.suspected.shows(task.needs()));
        tasks.next().map(|(place, task)| (*place, task))
    }

    /// The first task that only worker `id` may begin, and may begin now: of a key that nothing holds.
    pub(crate) fn first_own(&self, id: WorkerId) -> Option<(Place, &Arc<Task<W>>)> {
        let may_begin = |task: &Arc<Task<W>>| {
            let entry = task.key.as_ref().and_then(|key| self.keys.get(key));
            self.suspected.shows(task.needs()) && entry.is_some_and(|entry| entry.held.is_empty())
        };
        let own = &self.homes.get(&id)?.own;
        own.iter().find(|(_, task)| may_begin(task)).map(|(place, task)| (*place, task))
    }

    /// Of how many keys worker `id` is the home.
    pub(crate) fn keys_at(&self, id: WorkerId) -> usize {
        self.homes.get(&id).map_or(0, |home| home.keys)
    }

    /// The workers that are homes of keys.
    pub(crate) fn homes(&self) -> impl Iterator<Item = WorkerId> {
        self.homes.keys().copied()
    }

    /// The only worker that may begin this waiting task, if there is one.
    pub(crate) fn home_of(&self, task: &Task<W>) -> Option<WorkerId> {
        self.keys.get(task.key.as_ref()?)?.home
    }

    /// Whether worker `id` may begin this task out of turn.
    pub(crate) fn may_begin(&self, task: &Task<W>, id: WorkerId) -> bool {
        let Some(entry) = task.key.as_ref().and_then(|key| self.keys.get(key)) else { return false };
        entry.held.is_empty() && entry.home.is_none_or(|home| home == id)
    }

    /// Whether a task is shown to its key's home.
    #[inline]
    pub(crate) fn has_own(&self) -> bool {
        self.waiting > self.open.len()
    }

    /// A task waits, for the first time or again.
    pub(crate) fn push(&mut self, task: Arc<Task<W>>, now: Instant) {
        let Some(key) = task.key.clone() else { return };
        let keep_unused = self.keep_unused;
        let is_over = |entry: &Entry<W>| {
            entry.has_no_task()
                && keep_unused.is_some_and(|limit| now.saturating_duration_since(entry.unused_since) >= limit)
        };
        if self.keys.get(&key).is_some_and(is_over) {
            self.leave_home(&key);
        }
        let entry = self.keys.entry(key.clone()).or_insert_with(|| Entry {
            home: None,
            held: Vec::new(),
            paused: Vec::new(),
            waiting: BTreeMap::new(),
            shown: None,
            unused_since: now,
            is_listed: false,
        });
        entry.waiting.insert(place_of(&task), task);
        self.waiting += 1;
        self.show_next(&key);
    }

    /// Takes a task out that was settled, or is begun.
    pub(crate) fn remove(&mut self, task: &Task<W>, now: Instant) -> Option<Arc<Task<W>>> {
        let key = task.key.clone()?;
        let removed = self.keys.get_mut(&key)?.waiting.remove(&place_of(task))?;
        self.waiting -= 1;
        self.show_next(&key);
        self.note_unused(&key, now);
        Some(removed)
    }

    /// Worker `id` begins a task, which was taken out: it is the home of its key from now on.
    pub(crate) fn note_begun(&mut self, task: &Task<W>, id: WorkerId) {
        let Some((key, entry)) = task.key.as_ref().and_then(|key| Some((key, self.keys.get_mut(key)?)))
        else {
            return;
        };
        let key = key.clone();
        entry.held.push(task.id());
        if entry.home != Some(id) {
            self.leave_home(&key);
            self.homes.entry(id).or_insert_with(|| Home { keys: 0, own: BTreeMap::new() }).keys += 1;
            self.keys.entry(key.clone()).and_modify(|entry| entry.home = Some(id));
        }
        self.show_next(&key);
    }

    /// A task that a worker holds waits for a future or a reader, or goes on: meanwhile it does not hold its
    /// key.
    pub(crate) fn note_waits(&mut self, task: &Task<W>, waits: bool) {
        let Some(key) = task.key.clone() else { return };
        let Some(entry) = self.keys.get_mut(&key) else { return };
        let (from, to) =
            if waits { (&mut entry.held, &mut entry.paused) } else { (&mut entry.paused, &mut entry.held) };
        let before = from.len();
        from.retain(|id| *id != task.id());
        if from.len() < before {
            to.push(task.id());
            self.show_next(&key);
        }
    }

    /// A worker holds this task no longer.
    pub(crate) fn let_go(&mut self, task: &Task<W>, now: Instant) {
        let Some(key) = task.key.as_ref() else { return };
        let Some(entry) = self.keys.get_mut(key) else { return };
        entry.held.retain(|held| *held != task.id());
        entry.paused.retain(|paused| *paused != task.id());
        let key = key.clone();
        self.show_next(&key);
        self.note_unused(&key, now);
    }

    /// Worker `id` begins nothing any more: it is the home of no key.
    pub(crate) fn forget_home(&mut self, id: WorkerId) {
        if !self.homes.contains_key(&id) {
            return;
        }
        for key in self.keys_of(|entry| entry.home == Some(id)) {
            self.leave_home(&key);
            if self.keys.get(&key).is_some_and(Entry::has_no_task) {
                self.keys.remove(&key);
            }
        }
        self.homes.remove(&id);
    }

    pub(super) fn leave_home(&mut self, key: &Key) {
        let Some(entry) = self.keys.get_mut(key) else { return };
        let home = entry.home.take();
        if let Some(home) = home.and_then(|id| self.homes.get_mut(&id)) {
            home.keys -= 1;
        }
        self.show_next(key);
        if let Some(id) = home
            && self.homes.get(&id).is_some_and(|home| home.keys == 0)
        {
            self.homes.remove(&id);
        }
    }

    /// Has what comes next of a key be seen by those who may begin it, and nothing else of it.
    fn show_next(&mut self, key: &Key) {
        let Some(entry) = self.keys.get_mut(key) else { return };
        // Without a home it waits until nothing runs any more, on the one that it had.
        let is_shown = entry.home.is_some() || entry.held.is_empty();
        let next = entry.waiting.first_key_value().filter(|_| is_shown);
        let to = next.map(|(place, task)| ((*place, entry.home), task.clone()));
        if to.as_ref().map(|(shown, _)| *shown) == entry.shown {
            return;
        }
        match std::mem::replace(&mut entry.shown, to.as_ref().map(|(shown, _)| *shown)) {
            Some((place, None)) => drop(self.open.remove(&place)),
            Some((place, Some(id))) => drop(self.homes.get_mut(&id).and_then(|home| home.own.remove(&place))),
            None => {}
        }
        match to {
            Some(((place, None), task)) => drop(self.open.insert(place, task)),
            Some(((place, Some(id)), task)) => {
                drop(self.homes.get_mut(&id).and_then(|home| home.own.insert(place, task)));
            }
            None => {}
        }
    }

    /// Takes every task that waits.
    pub(crate) fn drain(&mut self, now: Instant) -> Vec<Arc<Task<W>>> {
        let mut all = Vec::with_capacity(self.waiting);
        for key in self.keys_of(|entry| !entry.waiting.is_empty()) {
            if let Some(entry) = self.keys.get_mut(&key) {
                all.extend(std::mem::take(&mut entry.waiting).into_values());
            }
            self.show_next(&key);
            self.note_unused(&key, now);
        }
        self.waiting = 0;
        all
    }

    /// Whether a task waits that needs this.
    pub(crate) fn wants(&self, needs: u32) -> bool {
        self.iter().any(|task| task.needs() == needs && task.state() == State::Pending)
    }

    /// The waiting tasks of which this is true.
    pub(crate) fn pending(&self, is_meant: impl Fn(&Task<W>) -> bool) -> Vec<Arc<Task<W>>> {
        self.iter().filter(|task| task.state() == State::Pending && is_meant(task)).cloned().collect()
    }

    /// The first of the tasks that need the suspect.
    pub(crate) fn first_of(&self, number: u32) -> Option<(Place, Arc<Task<W>>)> {
        let covers = self.suspected.covers(number)?;
        let covered = self.iter().filter(|task| covers(task.needs()));
        covered.map(|task| (place_of(task), task.clone())).min_by_key(|(place, _)| *place)
    }

    fn keys_of(&self, is_meant: impl Fn(&Entry<W>) -> bool) -> Vec<Key> {
        self.keys.iter().filter(|(_, entry)| is_meant(entry)).map(|(key, _)| key.clone()).collect()
    }

    fn iter(&self) -> impl Iterator<Item = &Arc<Task<W>>> {
        self.keys.values().flat_map(|entry| entry.waiting.values())
    }
}

impl<W: Work> Entry<W> {
    pub(super) fn has_no_task(&self) -> bool {
        self.waiting.is_empty() && self.held.is_empty() && self.paused.is_empty()
    }
}
