//! Giving a worker up: the last resort against a thread that does not come back.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::process::parent;
use crate::supervision::times::KILL_DELAY;
use crate::supervision::worker_handle::WorkerHandle;

/// Gives a worker up: its place goes to another, what it holds is lost, and its thread is told to end: to do
/// so by itself, and by Node. Only Node can end JavaScript outside the guard, because it notes first that the
/// thread is stopping: without that the async ids that are left on their stack end the whole process.
pub(crate) fn replace(handle: &Arc<WorkerHandle>) {
    let is_child = parent::of_local(&handle.entry).is_some();
    if is_child && !handle.must_end.load(Ordering::Acquire) {
        // A child may end as soon as it knows. Of one that ends without having been told to the pool takes it
        // that what it was loading has ended it.
        handle.tell_owner_to_end();
    }
    if handle.must_end.swap(true, Ordering::AcqRel) {
        return;
    }
    if let Some(id) = *handle.id.lock() {
        handle.entry.pool.abandon(id);
    }
    handle.bell.ring();
    if !is_child {
        handle.tell_owner_to_end();
    }
    let handle = handle.clone();
    // Its own `process.exit()` is the cleanest end, and needs a moment. Its owner's `terminate()` comes when
    // the owner serves its events, which may take long.
    let killer = std::thread::Builder::new().name("cf-killer".into());
    let _ = killer.spawn(move || {
        std::thread::sleep(KILL_DELAY);
        handle.guard.kill();
    });
}
