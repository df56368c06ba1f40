//! The children of a pool: how they are started, and all of them as other threads know them.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use pool::{WorkerLink, WorkerState};

use crate::process::child_link::ChildLink;
use crate::process::hello::Hello;
use crate::process::message::NATIVE;
use crate::process::view::{ChildView, TaskView};
use crate::tasks::functions;
use crate::tasks::pools::PoolEntry;
use crate::tasks::task::JsWork;
use crate::values::text::Text;

/// How the children of a pool are started.
pub(crate) struct ChildSpec {
    pub(crate) command: process::Command,
    pub(crate) hello: Hello,
    /// A child with more resident memory after a task is replaced.
    pub(crate) most_memory: Option<u64>,
}

/// Those of one pool.
pub(crate) struct PoolChildren {
    pub(crate) spec: ChildSpec,
    live: Mutex<Vec<Arc<ChildLink>>>,
    /// How many were asked for so far.
    pub(crate) asked: AtomicU64,
    /// How many of them are not there yet.
    pub(crate) coming: AtomicUsize,
    /// Starts that the system has refused while the pool was being made.
    pub(crate) refused: Mutex<Vec<std::io::Error>>,
    /// Whether all of them were ended.
    is_over: AtomicBool,
}

static ALL: Mutex<Vec<(u32, Weak<PoolChildren>)>> = Mutex::new(Vec::new());

impl PoolChildren {
    pub(crate) fn new(spec: ChildSpec) -> Arc<PoolChildren> {
        Arc::new(PoolChildren {
            spec,
            live: Mutex::default(),
            asked: AtomicU64::new(0),
            coming: AtomicUsize::new(0),
            refused: Mutex::default(),
            is_over: AtomicBool::new(false),
        })
    }

    /// They are those of the pool of this number.
    pub(crate) fn register(self: &Arc<Self>, pool: u32) {
        let mut all = ALL.lock();
        all.retain(|(_, children)| children.strong_count() > 0);
        all.push((pool, Arc::downgrade(self)));
    }

    pub(crate) fn add(&self, link: &Arc<ChildLink>) {
        self.live.lock().push(link.clone());
        if self.is_over.load(Ordering::Acquire) {
            link.killer.kill();
        }
    }

    pub(crate) fn remove(&self, link: &Arc<ChildLink>) {
        self.live.lock().retain(|other| !Arc::ptr_eq(other, link));
    }

    /// Ends all of them now.
    pub(crate) fn end_all(&self) {
        self.is_over.store(true, Ordering::Release);
        for link in &*self.live.lock() {
            link.killer.kill();
        }
    }

    /// Ends those that take no tasks yet, and that the pool does not want any more.
    pub(crate) fn end_starts(&self) {
        for link in self.live.lock().iter().filter(|link| !link.is_ready()) {
            link.is_unwanted.store(true, Ordering::Release);
            link.killer.kill();
        }
    }

    /// Ends those that hold tasks, or take none yet.
    pub(crate) fn end_busy(&self, entry: &PoolEntry) {
        for link in self.live.lock().iter().filter(|link| !link.is_ready()) {
            link.killer.kill();
        }
        for worker in entry.pool.workers() {
            if let Some(link) = self.find(&worker.link).filter(|_| !worker.held.is_empty()) {
                link.killer.kill();
            }
        }
    }

    fn find(&self, link: &Arc<dyn WorkerLink<JsWork>>) -> Option<Arc<ChildLink>> {
        let live = self.live.lock();
        live.iter().find(|own| std::ptr::addr_eq(Arc::as_ptr(own), Arc::as_ptr(link))).cloned()
    }
}

/// The children of the pool of this number, if it has any.
pub(crate) fn of_pool(pool: u32) -> Option<Arc<PoolChildren>> {
    ALL.lock().iter().find(|(number, _)| *number == pool).and_then(|(_, children)| children.upgrade())
}

const BETWEEN_LOOKS: Duration = Duration::from_millis(1);

/// Looks at every child of a pool that takes tasks; for no longer than until `deadline`.
pub(crate) fn view(entry: &PoolEntry, deadline: Instant) -> Vec<ChildView> {
    let Some(children) = of_pool(entry.id) else { return Vec::new() };
    // One that was just asked for has a number in a moment.
    while children.coming.load(Ordering::Relaxed) > 0 && Instant::now() < deadline {
        std::thread::sleep(BETWEEN_LOOKS);
    }
    let workers = entry.pool.workers();
    let found = workers.iter().filter_map(|worker| Some((children.find(&worker.link)?, worker)));
    let view = |(link, worker): (Arc<ChildLink>, &pool::WorkerView<JsWork>)| {
        let runs = matches!(worker.state, WorkerState::Busy | WorkerState::Partial);
        let task = worker.held.first().map(|task| {
            let needs = task.needs();
            TaskView {
                id: task.id(),
                label: task.owner().name.as_ref().and_then(Text::copy),
                function: functions::name(needs).filter(|_| needs & NATIVE == 0).map(|name| name.to_string()),
                running_for: task.started().map(|since| since.elapsed()).unwrap_or_default(),
                kernel: (needs & NATIVE != 0).then_some(needs & !NATIVE),
            }
        });
        ChildView {
            pid: link.pid,
            state: worker.state,
            memory: link.killer.resident_bytes(),
            look: if runs { link.look(deadline) } else { None },
            task,
        }
    };
    let mut views: Vec<_> = found.map(view).collect();
    let starting = |link: &&Arc<ChildLink>| !link.is_ready();
    // ORDERING: a look at a moment; a child may be counted here and be there already.
    let coming = children.coming.load(Ordering::Relaxed);
    views.extend((0..coming).map(|_| ChildView {
        pid: 0,
        state: WorkerState::Preparing,
        memory: None,
        look: None,
        task: None,
    }));
    views.extend(children.live.lock().iter().filter(starting).map(|link| ChildView {
        pid: link.pid,
        state: WorkerState::Preparing,
        memory: link.killer.resident_bytes(),
        look: None,
        task: None,
    }));
    views
}
