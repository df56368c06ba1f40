//! What happens to the workers of a pool: told to its owner, which tells whoever listens to the channel
//! `concurrent-futures:worker`. What threads of Node's do at their start and end the owner sees itself.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::js::shared_enum;
use crate::tasks::pool_event::{PoolEvent, PoolOwner};

shared_enum! {
    /// What has happened to a worker.
    pub(crate) enum WorkerEvent = "WORKER_EVENT": i32 {
        Start = 0,
        Exit = 1,
        /// A task that it runs is stopped.
        Interrupt = 2,
        /// It is given up.
        Abandon = 3,
    }
}

/// What has happened to which worker.
pub(crate) struct WorkerNews {
    pub(crate) event: WorkerEvent,
    /// Node's number of its thread; of a child its pid, of a native thread 0.
    pub(crate) thread: u32,
    /// Of an exit.
    pub(crate) exit_code: Option<i32>,
    /// Of an interrupt: the id of the task.
    pub(crate) task: Option<u64>,
}

/// An owner that blocks for long is told no more than this; one that is never asked keeps no more.
const MOST: usize = 4_096;

/// What the owner of a pool was not told yet.
pub(crate) struct News {
    owner: Arc<dyn PoolOwner>,
    pool: u32,
    list: Mutex<Vec<WorkerNews>>,
}

impl News {
    pub(crate) fn new(owner: Arc<dyn PoolOwner>, pool: u32) -> Arc<News> {
        Arc::new(News { owner, pool, list: Mutex::default() })
    }

    /// From any thread, with no lock held that the owner's mailbox takes.
    pub(crate) fn tell(&self, news: WorkerNews) {
        let mut list = self.list.lock();
        if list.len() >= MOST {
            return;
        }
        list.push(news);
        let is_first = list.len() == 1;
        drop(list);
        if is_first {
            self.owner.tell(PoolEvent::News, self.pool, 0.0);
        }
    }

    /// A worker has started, or has ended with this code, if that is known.
    pub(crate) fn tell_life(&self, event: WorkerEvent, thread: u32, exit_code: Option<i32>) {
        self.tell(WorkerNews { event, thread, exit_code, task: None });
    }

    pub(crate) fn take(&self) -> Vec<WorkerNews> {
        std::mem::take(&mut *self.list.lock())
    }
}
