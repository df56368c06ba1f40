//! Deadlocks between workers: a blocking wait that could never end is refused before it begins. For that
//! each worker that is blocked in a wait without a time-out is registered, with the task that it waits for.
//!
//! A blocked thread moves nothing that it holds: neither the tasks that lie on its stack nor those whose
//! promises need its event loop. So a worker may not wait for a task that is held by a blocked worker,
//! whose own wait is for a task that is held by a blocked worker, and so on around to the first. What is for
//! one worker alone counts as held by it before it has begun: a task of a broadcast, or one whose key lives
//! there. And a task that waits for the next value of a stream waits for a task that such a worker holds
//! (`reading`). Waits with
//! a time-out are not here: they end by themselves, and so does every cycle that one of them is a part of.
//!
//! A wait is registered for some milliseconds at a time. One that closes a cycle just while another is
//! between two such times is seen by that other, or by itself the next time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use pool::{Kind, State, WorkerId};

use crate::tasks::pools::{self, PoolEntry};
use crate::tasks::reading;
use crate::tasks::task::JsTask;

struct BlockedWorker {
    number: u64,
    /// The pool of the worker, and the worker there.
    pool: u32,
    worker: Option<WorkerId>,
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

/// Registers a worker of this pool, which holds these tasks, as blocked until `task` settles, unless it never
/// could: then it says why.
pub(crate) fn register(
    entry: &PoolEntry,
    worker: Option<WorkerId>,
    held: Vec<Arc<JsTask>>,
    task: &Arc<JsTask>,
) -> Result<Registered, &'static str> {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let waiter = BlockedWorker { number, pool: entry.id, worker, waits_for: task.clone(), held };
    let most = entry.pool.most_workers();
    let mut blocked = BLOCKED.lock();
    let refusal = if closes_cycle(&blocked, &waiter) {
        Some(
            "the task waits, by way of other threads, for the one that would wait for it: \
             none could ever go on",
        )
    } else if all_are_stuck(&blocked, &waiter, most) {
        Some("too many threads of this executor wait for tasks that need yet another one")
    } else {
        None
    };
    if let Some(refusal) = refusal {
        drop(blocked);
        // As below.
        drop(waiter);
        return Err(refusal);
    }
    blocked.push(waiter);
    Ok(Registered(number))
}

fn holds(entry: &BlockedWorker, task: &Arc<JsTask>) -> bool {
    entry.held.iter().any(|held| Arc::ptr_eq(held, task))
}

fn closes_cycle(blocked: &[BlockedWorker], waiter: &BlockedWorker) -> bool {
    never_ends(blocked, waiter, &waiter.waits_for, blocked.len() + MOST_READING)
}

/// So many tasks in a circle may wait for streams.
const MOST_READING: usize = 64;

/// Whether `wanted` cannot end while `waiter` is blocked. Each of so many steps leads to another task, or
/// there would be a circle already.
fn never_ends(blocked: &[BlockedWorker], waiter: &BlockedWorker, wanted: &Arc<JsTask>, steps: usize) -> bool {
    if steps == 0 || wanted.state().is_settled() {
        return false;
    }
    let home = home_of(wanted);
    let moves = |entry: &BlockedWorker| holds(entry, wanted) || is_home(entry, wanted, home);
    if moves(waiter) {
        return true;
    }
    if let Some(entry) = blocked.iter().find(|entry| moves(entry)) {
        return never_ends(blocked, waiter, &entry.waits_for, steps - 1);
    }
    let streams = reading::streams_of(wanted);
    let is_stuck = |stream| never_ends(blocked, waiter, stream, steps - 1);
    !streams.is_empty() && streams.iter().all(is_stuck) && reading::suspect(wanted)
}

/// The only worker that may run a task which waits, if it has a key that lives on one.
fn home_of(task: &JsTask) -> Option<WorkerId> {
    if !task.has_key() || task.state() != State::Pending {
        return None;
    }
    pools::find(task.owner().pool)?.pool.home_of(task)
}

fn is_home(entry: &BlockedWorker, task: &JsTask, home: Option<WorkerId>) -> bool {
    home.is_some() && entry.worker == home && entry.pool == task.owner().pool
}

/// Whether all the workers that the pool may have would be blocked, each for what only one of them, or yet
/// another, could run.
fn all_are_stuck(blocked: &[BlockedWorker], waiter: &BlockedWorker, most: usize) -> bool {
    let of_pool = || blocked.iter().filter(|entry| entry.pool == waiter.pool).chain([waiter]);
    if of_pool().count() < most {
        return false;
    }
    let is_stuck = |wanted: &Arc<JsTask>| match wanted.state() {
        State::Pending => wanted.kind() != Kind::Native,
        State::Running => of_pool().any(|entry| holds(entry, wanted)),
        State::Cancelled | State::Finished => false,
    };
    of_pool().all(|entry| is_stuck(&entry.waits_for))
}
