//! The tasks that a child was sent, by the marks that say whether it has begun them.
//!
//! Lock: `entries` alone. The pool takes it under its own mutex (`WorkerLink::send_ahead` and the like), so
//! that nothing that is done while it is held may call the pool, or take long: what is written meanwhile is
//! bounded by the supervisor.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use pool::State;
use process::Marks;

use crate::tasks::task::{JsTask, JsWork};
use crate::tasks::written_work::WrittenWork;

/// The work of a task.
enum Work {
    /// As the pool has it: the child was not sent it yet.
    Unwritten(JsWork),
    /// As it was sent.
    Written(WrittenWork),
}

/// What a mark stands for until the child is done with it.
struct Entry {
    /// Nothing if somebody has brought it back.
    sent: Option<(Arc<JsTask>, Work)>,
}

/// The mark of this task.
fn position(entries: &[Option<Entry>], task: &Arc<JsTask>) -> Option<usize> {
    let is_its = |entry: &Entry| entry.sent.as_ref().is_some_and(|(own, _)| Arc::ptr_eq(own, task));
    entries.iter().position(|entry| entry.as_ref().is_some_and(is_its))
}

/// The marks of one child, if the system has such memory.
pub(crate) struct Marked {
    marks: Option<Arc<Marks>>,
    /// Whether the child has them, too.
    are_shared: AtomicBool,
    entries: Mutex<Vec<Option<Entry>>>,
    /// Whether somebody has found that the child has begun one before the pool had learned of it.
    has_begun_early: AtomicBool,
}

/// A task that a child has.
pub(crate) struct Held {
    pub(crate) task: Arc<JsTask>,
    /// Its work as it was sent, for another child if this one gives it back.
    pub(super) work: WrittenWork,
    pub(super) mark: Option<u32>,
}

impl Marked {
    pub(crate) fn new(marks: Option<Arc<Marks>>) -> Marked {
        let entries = Mutex::new((0..Marks::COUNT).map(|_| None).collect());
        Marked { marks, are_shared: AtomicBool::new(false), entries, has_begun_early: AtomicBool::new(false) }
    }

    /// The child says that it has them.
    pub(crate) fn note_shared(&self) {
        // ORDERING: set before the first task is sent, by the thread that sends.
        self.are_shared.store(true, Ordering::Release);
    }

    /// The marks, if both sides have them.
    fn shared(&self) -> Option<&Marks> {
        self.marks.as_deref().filter(|_| self.are_shared.load(Ordering::Acquire))
    }

    pub(crate) fn are_there(&self) -> bool {
        self.shared().is_some()
    }

    /// Whether one more task can be sent ahead; one mark is kept for the task that runs.
    pub(crate) fn has_room(&self) -> bool {
        self.are_there() && self.entries.lock().iter().filter(|entry| entry.is_none()).nth(1).is_some()
    }

    fn put(&self, task: &Arc<JsTask>, work: Work) -> Option<u32> {
        let marks = self.shared()?;
        let mut entries = self.entries.lock();
        let number = entries.iter().position(Option::is_none)?;
        entries[number] = Some(Entry { sent: Some((task.clone(), work)) });
        marks.offer(number);
        Some(number as u32)
    }

    /// Gives a task that is about to be sent a mark, if there is one.
    pub(crate) fn offer(&self, task: &Arc<JsTask>, work: &WrittenWork) -> Option<u32> {
        self.put(task, Work::Written(work.clone()))
    }

    /// The same for one that will be written later.
    pub(crate) fn offer_unwritten(&self, task: &Arc<JsTask>, work: JsWork) {
        self.put(task, Work::Unwritten(work));
    }

    /// Has `write` write the work of a task that was offered, unless it was brought back; gives that, and its
    /// mark.
    pub(crate) fn write<E>(
        &self,
        task: &Arc<JsTask>,
        write: impl FnOnce(JsWork) -> Result<WrittenWork, E>,
    ) -> Option<Result<(WrittenWork, u32), E>> {
        let mut entries = self.entries.lock();
        let number = position(&entries, task)?;
        // Nobody sees that it is out: the lock is held.
        let (task, work) = entries[number].take()?.sent?;
        let written = match work {
            Work::Unwritten(work) => write(work),
            Work::Written(work) => Ok(work),
        };
        Some(written.map(|work| {
            entries[number] = Some(Entry { sent: Some((task, Work::Written(work.clone()))) });
            (work, number as u32)
        }))
    }

    /// Takes this task back and returns its work, if it is here and the child has not begun it.
    pub(crate) fn bring_back(&self, task: &Arc<JsTask>) -> Option<JsWork> {
        let mut entries = self.entries.lock();
        let number = position(&entries, task)?;
        if !self.shared()?.take_back(number) {
            self.has_begun_early.store(true, Ordering::Release);
            return None;
        }
        let (_, work) = entries[number].as_mut()?.sent.take()?;
        match work {
            Work::Unwritten(work) => {
                // The child will not hear of it.
                entries[number] = None;
                Some(work)
            }
            Work::Written(work) => Some(JsWork::Written(work)),
        }
    }

    /// Takes what has this mark from a child that does not begin it.
    pub(crate) fn take(&self, number: u32) -> Taken {
        let mut entries = self.entries.lock();
        let Some(entry) = entries.get_mut(number as usize).and_then(Option::take) else {
            return Taken::Begun;
        };
        let is_ours = self.shared().is_some_and(|marks| marks.take_back(number as usize));
        match entry.sent {
            None => Taken::Before,
            Some((task, Work::Written(work))) if is_ours => Taken::Now(task, work),
            Some(_) => Taken::Begun,
        }
    }

    /// Whether a child that is dead has not called what has this mark.
    pub(crate) fn is_uncalled(&self, number: u32) -> bool {
        self.shared().is_some_and(|marks| !marks.is_called(number as usize))
    }

    /// What was sent and not brought back, by its task's number.
    pub(crate) fn find(&self, number: u64) -> Option<Held> {
        self.first(|task| task.id() == number)
    }

    fn first(&self, is_it: impl Fn(&Arc<JsTask>) -> bool) -> Option<Held> {
        let entries = self.entries.lock();
        entries.iter().enumerate().find_map(|(mark, entry)| match entry.as_ref()?.sent.as_ref()? {
            (task, Work::Written(work)) if is_it(task) => {
                Some(Held { task: task.clone(), work: work.clone(), mark: Some(mark as u32) })
            }
            _ => None,
        })
    }

    /// One that the child was found to have begun, and of which `is_known` does not hold.
    pub(crate) fn take_early(&self, is_known: impl Fn(&Arc<JsTask>) -> bool) -> Option<Held> {
        if !self.has_begun_early.swap(false, Ordering::AcqRel) {
            return None;
        }
        let found = self.first(|task| task.state() != State::Pending && !is_known(task));
        if found.is_some() {
            // There may be more.
            self.has_begun_early.store(true, Ordering::Release);
        }
        found
    }

    /// The child is done with what had this mark.
    pub(crate) fn release(&self, number: Option<u32>) {
        let Some(number) = number else { return };
        let entry = self.entries.lock().get_mut(number as usize).and_then(Option::take);
        // Outside the lock: perhaps the last reference to a task.
        drop(entry);
    }
}

/// What [`Marked::take`] finds.
pub(crate) enum Taken {
    /// It was brought back before.
    Before,
    /// It is taken back now.
    Now(Arc<JsTask>, WrittenWork),
    /// The child has begun it, and lies.
    Begun,
}
