//! Deadlocks between workers: a blocking wait that could never end is refused before it begins. For that
//! each worker that is blocked in a wait without a time-out is registered, with the task that it waits for.
//!
//! A blocked thread moves nothing that it holds: neither the tasks that lie on its stack nor those whose
//! promises need its event loop. So a worker may not wait for a task that is held by a blocked worker,
//! whose own wait is for a task that is held by a blocked worker, and so on around to the first. Waits with
//! a time-out are not here: they end by themselves, and so does every cycle that one of them is a part of.
//!
//! A wait is registered for some milliseconds at a time. One that closes a cycle just while another is
//! between two such times is seen by that other, or by itself the next time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use pool::{Kind, State};

use crate::js::Fault;
use crate::tasks::task::JsTask;
use crate::worker::worker::WorkerSide;

struct BlockedWorker {
    number: u64,
    /// The pool of the worker.
    pool: u32,
    waits_for: Arc<JsTask>,
    held: Vec<Arc<JsTask>>,
}

static BLOCKED: Mutex<Vec<BlockedWorker>> = Mutex::new(Vec::new());
// ORDERING: only uniqueness matters.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// Keeps the worker registered as blocked, until it is dropped.
pub(crate) struct Registered(u64);

impl Drop for Registered {
    fn drop(&mut self) {
        let mut blocked = BLOCKED.lock();
        let index = blocked.iter().position(|entry| entry.number == self.0);
        let entry = index.map(|index| blocked.swap_remove(index));
        drop(blocked);
        // Its references to tasks may be the last ones: dropped without the mutex.
        drop(entry);
    }
}

/// Registers the worker as blocked until `task` settles, unless it never could.
pub(crate) fn register(side: &WorkerSide, task: &Arc<JsTask>) -> Result<Registered, Fault> {
    let entry = &side.handle.entry;
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let waiter = BlockedWorker { number, pool: entry.id, waits_for: task.clone(), held: side.held.all() };
    let mut blocked = BLOCKED.lock();
    let refusal = if closes_cycle(&blocked, &waiter) {
        Some(
            "the task waits, by way of other threads, for the one that would wait for it: \
             none could ever go on",
        )
    } else if all_are_stuck(&blocked, &waiter, entry.pool.most_workers()) {
        Some("too many threads of this executor wait for tasks that need yet another one")
    } else {
        None
    };
    if let Some(refusal) = refusal {
        drop(blocked);
        return Err(Fault::invalid_state(refusal));
    }
    blocked.push(waiter);
    Ok(Registered(number))
}

fn holds(entry: &BlockedWorker, task: &Arc<JsTask>) -> bool {
    entry.held.iter().any(|held| Arc::ptr_eq(held, task))
}

fn closes_cycle(blocked: &[BlockedWorker], waiter: &BlockedWorker) -> bool {
    let mut wanted = &waiter.waits_for;
    // Each step leads to another entry, or the list would hold a cycle already.
    for _ in 0..=blocked.len() {
        if wanted.state().is_settled() {
            return false;
        }
        if holds(waiter, wanted) {
            return true;
        }
        match blocked.iter().find(|entry| holds(entry, wanted)) {
            Some(entry) => wanted = &entry.waits_for,
            None => return false,
        }
    }
    false
}

/// Whether all the workers that the pool may have would be blocked, each for what only one of them, or yet
/// another, could run.
fn all_are_stuck(blocked: &[BlockedWorker], waiter: &BlockedWorker, most: usize) -> bool {
    let of_pool = || blocked.iter().filter(|entry| entry.pool == waiter.pool).chain([waiter]);
    if of_pool().count() < most {
        return false;
    }
    let is_stuck = |wanted: &Arc<JsTask>| match wanted.state() {
        State::Pending => wanted.kind() == Kind::Isolate,
        State::Running => of_pool().any(|entry| holds(entry, wanted)),
        State::Cancelled | State::Finished => false,
    };
    of_pool().all(|entry| is_stuck(&entry.waits_for))
}
