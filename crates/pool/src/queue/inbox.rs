//! Tasks on their way into the queue: what lets `submit` do without the pool's mutex while the workers are busy.
//!
//! A kind is *attended* as long as one more task of it would send nobody: the budget is used up, nobody who has a place could take
//! it on top, and no worker has to be started for it. Then a submitter leaves the task here and is done. Everybody who takes
//! the pool's mutex first takes in what is here, so nobody sees a queue without it; and every worker that has a place
//! takes that mutex before it does anything else than run its task.
//!
//! Whether a kind is attended is said at the end of every change, under this mutex, which is only ever taken inside the
//! pool's or alone. Whoever takes the word back takes in, under the same mutex, what has come meanwhile, and strikes the balance
//! again: so a task is seen by a worker that is on its way, or its submitter sees that nobody is and does it the long way.

use std::sync::Arc;
// The models need not branch on it.
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
    // ORDERING: written under `posted`; a hint for those who come again, or take that mutex where they must not miss a task.
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

    /// Says which kinds are attended from now on. If some are no longer, `left` gets what has come until now.
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
