//! The pools of this process, by number, so that worker isolates find the one that they belong to.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use parking_lot::Mutex;
use pool::{Config, Host, Kind};

use crate::tasks::news::{News, WorkerEvent, WorkerNews};
use crate::tasks::patience::Patience;
use crate::tasks::pool_event::{PoolEvent, PoolOwner};
use crate::tasks::recorder::Recorder;
use crate::tasks::task::{HOOKS, JsPool, JsTask};
use crate::values::text::Text;
use crate::values::value::Packed;

/// What the binding keeps beside a pool.
pub(crate) struct PoolEntry {
    /// Unique in the process.
    pub(crate) id: u32,
    /// The executor's, of the user.
    pub(crate) name: Arc<str>,
    pub(crate) pool: Arc<JsPool>,
    /// The kind of the workers that run its JavaScript.
    pub(crate) kind: Kind,
    /// The isolate that has made it, or stands for whoever has.
    pub(crate) owner: Arc<dyn PoolOwner>,
    /// See [`PoolEntry::grace`].
    grace_ms: f64,
    pub(crate) patience: Patience,
    /// For the owner to tell.
    pub(crate) strays: Mutex<Vec<Stray>>,
    pub(crate) news: Arc<News>,
    /// The traces that are being recorded, or taken.
    pub(crate) recorders: Mutex<Vec<Arc<Recorder>>>,
}

/// An error that nobody has caught and that ends no task.
pub(crate) struct Stray {
    /// The name of the ended task that has left it behind; none if that is not known.
    pub(crate) task: Option<Text>,
    pub(crate) error: Packed,
}

impl PoolEntry {
    /// How long a task that has looked at its `currentTask()` has after a stop.
    pub(crate) fn grace(&self) -> Duration {
        Duration::try_from_secs_f64(self.grace_ms / 1e3).unwrap_or(Duration::MAX)
    }

    /// Makes the pool larger or smaller: 0; or its `min_workers`, if they are more, and nothing changes.
    pub(crate) fn resize(&self, max_workers: u32) -> u32 {
        if self.pool.resize(max_workers as usize) { 0 } else { self.pool.config().min_workers as u32 }
    }

    /// A task that runs on this thread, or in this child, is stopped: told once, whoever knows it first.
    pub(crate) fn note_interrupt(&self, task: &Arc<JsTask>, thread: u32) {
        if task.owner().is_interrupted.swap(true, Ordering::Relaxed) {
            return;
        }
        if let Some(hooks) = HOOKS.get() {
            (hooks.interrupted)(task, thread);
        }
        let event = WorkerEvent::Interrupt;
        self.news.tell(WorkerNews { event, thread, exit_code: None, task: Some(task.id()) });
    }

    /// Tells the owner what has happened to the pool.
    pub(crate) fn tell_owner(&self, event: PoolEvent, number: f64) {
        self.owner.tell(event, self.id, number);
    }
}

static POOLS: LazyLock<Mutex<HashMap<u32, Arc<PoolEntry>>>> = LazyLock::new(Mutex::default);
// ORDERING: only uniqueness matters.
static NEXT_ID: AtomicU32 = AtomicU32::new(1);

/// Starts and ends the workers of a pool that are processes; see `process::children`.
pub(crate) trait Children: Send + Sync {
    /// One more is wanted by the pool of this number.
    fn start(&self, pool: u32);
    /// Those that are not ready yet are wanted no more.
    fn end_starts(&self);
    /// All are to end now.
    fn end_all(&self);
}

/// Tells the owner what the pool asks for.
struct PoolHost {
    id: u32,
    owner: Arc<dyn PoolOwner>,
    children: Option<Arc<dyn Children>>,
    news: Arc<News>,
}

impl PoolHost {
    fn tell(&self, event: PoolEvent) {
        self.owner.tell(event, self.id, 0.0);
    }
}

impl Host for PoolHost {
    fn start_worker(&self, _kind: Kind) {
        match &self.children {
            Some(children) => children.start(self.id),
            None => self.tell(PoolEvent::StartWorker),
        }
    }

    fn end_starts(&self, _kind: Kind) {
        match &self.children {
            Some(children) => children.end_starts(),
            None => self.tell(PoolEvent::EndStarts),
        }
    }

    fn resume_starts_after(&self, delay: Duration) {
        self.owner.tell(PoolEvent::ResumeStarts, self.id, delay.as_secs_f64() * 1e3);
    }

    fn end_workers(&self) {
        match &self.children {
            Some(children) => children.end_all(),
            None => self.tell(PoolEvent::EndWorkers),
        }
    }

    fn closed(&self) {
        POOLS.lock().remove(&self.id);
        self.tell(PoolEvent::Closed);
    }

    fn note_native(&self, has_ended: bool) {
        let event = if has_ended { WorkerEvent::Exit } else { WorkerEvent::Start };
        self.news.tell_life(event, 0, None);
    }

    fn hand_over(&self) {
        self.tell(PoolEvent::HandOver);
    }

    fn room(&self) {
        self.tell(PoolEvent::Room);
    }
}

/// Makes a pool of this name, with this owner. Its workers are `children`, or threads that the owner starts.
pub(crate) fn create(
    name: &str,
    config: Config,
    grace_ms: f64,
    owner: Arc<dyn PoolOwner>,
    children: Option<Arc<dyn Children>>,
    kind: Kind,
) -> Arc<PoolEntry> {
    let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
    // The pool may ask for workers before it is known here: they wait for it.
    let mut pools = POOLS.lock();
    let news = News::new(owner.clone(), id);
    let host = PoolHost { id, owner: owner.clone(), children, news: news.clone() };
    let pool = JsPool::new(config, Arc::new(host));
    let (patience, strays, recorders) = (Patience::default(), Mutex::default(), Mutex::default());
    let entry = Arc::new(PoolEntry {
        id,
        name: name.into(),
        pool,
        kind,
        owner,
        grace_ms,
        patience,
        strays,
        news,
        recorders,
    });
    pools.insert(id, entry.clone());
    entry
}

/// Shuts a pool down, within `limit` if there is one. False if the system refuses the thread that would watch
/// it.
pub(crate) fn shut_down(pool: &Arc<JsPool>, cancel_pending: bool, limit: Option<Duration>) -> bool {
    match limit {
        Some(limit) => pool.shutdown_within(cancel_pending, limit),
        None => {
            pool.shutdown(cancel_pending);
            true
        }
    }
}

/// The same, unless a pool is just being made.
pub(crate) fn try_find(id: u32) -> Option<Arc<PoolEntry>> {
    POOLS.try_lock()?.get(&id).cloned()
}

pub(crate) fn find(id: u32) -> Option<Arc<PoolEntry>> {
    POOLS.lock().get(&id).cloned()
}
