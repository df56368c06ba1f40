//! The pools of this process, by number, so that worker isolates find the one that they belong to.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use parking_lot::Mutex;
use pool::{Config, Host, Kind};

use crate::tasks::patience::Patience;
use crate::tasks::pool_event::{PoolEvent, PoolOwner};
use crate::tasks::task::{JsMailbox, JsPool};
use crate::values::text::Text;
use crate::values::value::Packed;

/// What the binding keeps beside a pool.
pub(crate) struct PoolEntry {
    /// Unique in the process.
    pub(crate) id: u32,
    pub(crate) pool: Arc<JsPool>,
    /// The isolate that has made it.
    pub(crate) owner: Arc<JsMailbox>,
    /// See [`PoolEntry::grace`].
    grace_ms: f64,
    pub(crate) patience: Patience,
    /// For the owner to tell.
    pub(crate) strays: Mutex<Vec<Stray>>,
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

    /// Tells the owner what has happened to the pool.
    pub(crate) fn tell_owner(&self, event: PoolEvent, number: f64) {
        self.owner.tell(event, self.id, number);
    }
}

static POOLS: LazyLock<Mutex<HashMap<u32, Arc<PoolEntry>>>> = LazyLock::new(Mutex::default);
// ORDERING: only uniqueness matters.
static NEXT_ID: AtomicU32 = AtomicU32::new(1);

/// Tells the owner what the pool asks for.
struct PoolHost {
    id: u32,
    owner: Arc<JsMailbox>,
}

impl PoolHost {
    fn tell(&self, event: PoolEvent) {
        self.owner.tell(event, self.id, 0.0);
    }
}

impl Host for PoolHost {
    fn start_worker(&self, _kind: Kind) {
        self.tell(PoolEvent::StartWorker);
    }

    fn end_starts(&self, _kind: Kind) {
        self.tell(PoolEvent::EndStarts);
    }

    fn resume_starts_after(&self, delay: Duration) {
        self.owner.tell(PoolEvent::ResumeStarts, self.id, delay.as_secs_f64() * 1e3);
    }

    fn closed(&self) {
        POOLS.lock().remove(&self.id);
        self.tell(PoolEvent::Closed);
    }

    fn hand_over(&self) {
        self.tell(PoolEvent::HandOver);
    }

    fn room(&self) {
        self.tell(PoolEvent::Room);
    }
}

/// Makes a pool whose owner is the isolate of this mailbox.
pub(crate) fn create(config: Config, grace_ms: f64, owner: &Arc<JsMailbox>) -> (u32, Arc<PoolEntry>) {
    let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
    let pool = JsPool::new(config, Arc::new(PoolHost { id, owner: owner.clone() }));
    let entry = Arc::new(PoolEntry {
        id,
        pool,
        owner: owner.clone(),
        grace_ms,
        patience: Patience::default(),
        strays: Mutex::default(),
    });
    POOLS.lock().insert(id, entry.clone());
    (id, entry)
}

pub(crate) fn find(id: u32) -> Option<Arc<PoolEntry>> {
    POOLS.lock().get(&id).cloned()
}
