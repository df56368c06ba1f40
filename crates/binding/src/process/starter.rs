//! How the pool has a child started.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use pool::{Kind, StartFailure};

use crate::process::children::PoolChildren;
use crate::process::serving;
use crate::tasks::pools::{self, Children, PoolEntry};
use crate::tasks::task::JsWork;

/// The children of a pool, as that knows them.
pub(crate) struct Starter(pub(crate) Arc<PoolChildren>);

impl Children for Starter {
    fn start(&self, pool: u32) {
        // ORDERING: only uniqueness matters.
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let children = self.0.clone();
        let name = format!("cf-child-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        // ORDERING: for dumps only.
        children.coming.fetch_add(1, Ordering::Relaxed);
        // ORDERING: two that are asked for at the same time may change their numbers.
        let start = children.asked.fetch_add(1, Ordering::Relaxed) + 1;
        let thread = std::thread::Builder::new().name(name).spawn(move || {
            if let Some(entry) = pools::find(pool) {
                serving::supervise(entry, &children, start);
            }
        });
        if let Err(error) = thread {
            self.0.coming.fetch_sub(1, Ordering::Relaxed);
            // While the pool is being made nobody can find it: it is told then.
            match pools::try_find(pool) {
                Some(entry) => refuse(&entry, &error),
                None => self.0.refused.lock().push(error),
            }
        }
    }

    fn end_starts(&self) {
        self.0.end_starts();
    }

    fn end_all(&self) {
        self.0.end_all();
    }
}

/// The system refuses the thread of a child.
fn refuse(entry: &PoolEntry, error: &std::io::Error) {
    let cause = <JsWork as pool::Work>::no_thread(error);
    entry.pool.start_failed(Kind::Process, cause, StartFailure::Refused);
}

/// The pool has been made, and can be found from now on.
pub(crate) fn note_made(entry: &PoolEntry, children: &Arc<PoolChildren>) {
    children.register(entry.id);
    let refused = std::mem::take(&mut *children.refused.lock());
    refused.iter().for_each(|error| refuse(entry, error));
}
