//! Tasks on their way into the queue: what lets `submit` do without the pool's mutex while the workers are
//! busy.
//!
//! A kind is *attended* as long as one more task of it would cause no worker to be woken or started: the
//! budget is used up, no worker that has a place could hold the task beside what it holds, and no worker has
//! to be started for it; and the pool is open and without `max_queue`, so that none would be refused. Then a
//! submitter leaves the task here and is done. Everybody who takes the pool's mutex first takes in what is
//! here, so nobody sees a queue without it; and every worker that has a place takes that mutex before it does
//! anything else than run its task.
//!
//! Which kinds are attended is said at the end of every change under the pool's mutex, under the inbox' own,
//! which is only ever taken inside the pool's or alone. Whoever says that a kind is no longer attended takes
//! in, under the same lock, the tasks that have come until then, and sends workers for them. So either a
//! worker is bound to see the task, or its submitter sees that the kind is not attended, and takes the pool's
//! mutex.

use std::sync::Arc;
// Not the model checker's: the models need not branch on it.
use std::sync::atomic::AtomicU64;

use crate::sync::primitives::{AtomicBool, Mutex, Ordering};
use crate::task::task::Task;
use crate::task::work::{Kind, Work};

/// Which kinds are attended.
pub(crate) type Attended = [bool; Kind::COUNT];

/// No kind.
pub(crate) const NONE: Attended = [false; Kind::COUNT];

struct Posted<W: Work> {
    tasks: Vec<Arc<Task<W>>>,
    attended: Attended,
}

pub(crate) struct Inbox<W: Work> {
    posted: Mutex<Posted<W>>,
    // ORDERING: written under `posted`. A hint: whoever misses a task by it looks again later, or takes that
    // mutex where no task may be missed.
    has_news: AtomicBool,
    next_id: AtomicU64,
}

impl<W: Work> Inbox<W> {
    pub(crate) fn new() -> Self {
        let posted = Mutex::new(Posted { tasks: Vec::new(), attended: NONE });
        Inbox { posted, has_news: AtomicBool::new(false), next_id: AtomicU64::new(1) }
    }

    /// A number for a new task; those that one thread asks for are rising.
    pub(crate) fn next_id(&self) -> u64 {
        // ORDERING: only uniqueness matters.
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Leaves a task, if its kind is attended.
    pub(crate) fn post(&self, task: &Arc<Task<W>>) -> bool {
        let mut posted = self.posted.lock();
        let is_attended = posted.attended[task.kind() as usize];
        if is_attended {
            posted.tasks.push(task.clone());
            self.has_news.store(true, Ordering::Release);
        }
        is_attended
    }

    pub(crate) fn has_news(&self) -> bool {
        self.has_news.load(Ordering::Acquire)
    }

    /// Exchanges what has come for `empty`.
    pub(crate) fn take(&self, empty: &mut Vec<Arc<Task<W>>>) {
        let mut posted = self.posted.lock();
        self.has_news.store(false, Ordering::Release);
        std::mem::swap(&mut posted.tasks, empty);
    }

    /// Says which kinds are attended from now on. If some are no longer, the tasks that have come until now
    /// go to `left`.
    pub(crate) fn attend(&self, attended: Attended, left: &mut Vec<Arc<Task<W>>>) {
        let mut posted = self.posted.lock();
        let takes_back = (0..Kind::COUNT).any(|kind| posted.attended[kind] && !attended[kind]);
        posted.attended = attended;
        if takes_back {
            self.has_news.store(false, Ordering::Release);
            std::mem::swap(&mut posted.tasks, left);
        }
    }
}
