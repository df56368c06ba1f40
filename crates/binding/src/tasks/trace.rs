//! Traces: each task of a pool when it settles, whoever has submitted it, and each stop of one, is told to
//! the recorders of its pool.
//!
//! Before the first trace a task costs one look at a number.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use crate::tasks::pools::{self, PoolEntry};
use crate::tasks::recorder::{self, Recorder, Row};
use crate::tasks::task::{HOOKS, Hooks, JsTask};

fn note_settled(task: &Arc<JsTask>, at: Instant) {
    if recorder::is_recording() {
        note(task, at, None);
    }
}

fn note_interrupt(task: &Arc<JsTask>, thread: u32) {
    if recorder::is_recording() {
        note(task, Instant::now(), Some(thread));
    }
}

#[cold]
fn note(task: &Arc<JsTask>, at: Instant, interrupted_on: Option<u32>) {
    let Some(entry) = pools::find(task.owner().pool) else { return };
    let recorders = entry.recorders.lock().clone();
    for recorder in recorders {
        match interrupted_on {
            None => recorder.add_settled(&entry.pool, task, at),
            Some(thread) => recorder.add_interrupted(&entry.pool, task, at, thread),
        }
    }
}

/// Begins a trace of a pool: its number.
pub(crate) fn start(entry: &PoolEntry) -> u32 {
    // ORDERING: only uniqueness matters.
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let hooks = Hooks { settled: note_settled, interrupted: note_interrupt };
    HOOKS.get_or_init(|| hooks);
    entry.recorders.lock().push(Recorder::start(number));
    number
}

fn find(entry: &PoolEntry, number: u32) -> Option<Arc<Recorder>> {
    entry.recorders.lock().iter().find(|recorder| recorder.number == number).cloned()
}

/// Ends a trace and takes the next of its rows, so many at most; none when all were taken.
pub(crate) fn take(entry: &PoolEntry, number: u32, most: usize) -> Vec<Row> {
    let Some(recorder) = find(entry, number) else { return Vec::new() };
    recorder.end(&entry.pool);
    let rows = recorder.take(most);
    if rows.is_empty() {
        entry.recorders.lock().retain(|other| other.number != number);
    }
    rows
}

/// How many events a trace has dropped; 0 of one that is not there any more.
pub(crate) fn dropped(entry: &PoolEntry, number: u32) -> u64 {
    find(entry, number).map_or(0, |recorder| recorder.dropped())
}
