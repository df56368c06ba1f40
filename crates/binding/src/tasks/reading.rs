//! Which tasks wait for the next value of which stream: for `deadlock`. Such a wait leaves the thread of its
//! task free, but the stream goes on only on the thread of its own worker.
//!
//! Whether a task waits for that alone cannot be known, nor whether a value is on its way to it. So a wait
//! counts only once it was suspected for [`SUSPECTED`], in which the blocked waiter has looked several times.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::tasks::task::JsTask;

/// For how long a wait has to be seen as a part of a circle.
const SUSPECTED: Duration = Duration::from_millis(100);

struct Reading {
    /// Who has told of it, another process perhaps, and the number that the wait has there.
    place: usize,
    number: u64,
    reader: Arc<JsTask>,
    stream: Arc<JsTask>,
    suspected: Option<Instant>,
}

static READING: Mutex<Vec<Reading>> = Mutex::new(Vec::new());
// ORDERING: only uniqueness matters.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// The place of this process.
pub(crate) const HERE: usize = 0;

/// A number for a wait of this process.
pub(crate) fn next_number() -> u64 {
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A task begins to wait for the next value of a stream.
pub(crate) fn begin(place: usize, number: u64, reader: Arc<JsTask>, stream: Arc<JsTask>) {
    let mut reading = READING.lock();
    // A process that has died ends none of its own.
    let over: Vec<_> = reading.extract_if(.., |wait| wait.reader.state().is_settled()).collect();
    reading.push(Reading { place, number, reader, stream, suspected: None });
    drop(reading);
    // Perhaps the last references: dropped without the mutex.
    drop(over);
}

/// That wait is over.
pub(crate) fn end(place: usize, number: u64) {
    let mut reading = READING.lock();
    let at = reading.iter().position(|wait| (wait.place, wait.number) == (place, number));
    let over = at.map(|at| reading.swap_remove(at));
    drop(reading);
    drop(over);
}

/// The streams of which the task waits for the next values; none if a value is there.
pub(super) fn streams_of(reader: &Arc<JsTask>) -> Vec<Arc<JsTask>> {
    let reading = READING.lock();
    let streams: Vec<_> = reading
        .iter()
        .filter(|wait| Arc::ptr_eq(&wait.reader, reader))
        .map(|wait| wait.stream.clone())
        .collect();
    drop(reading);
    let has_values = |stream: &Arc<JsTask>| stream.owner().progress.lock().is_some();
    if streams.iter().any(has_values) { Vec::new() } else { streams }
}

/// The waits of this task are a part of a circle: whether they have been for long enough.
pub(super) fn suspect(reader: &Arc<JsTask>) -> bool {
    let now = Instant::now();
    let mut reading = READING.lock();
    let own = reading.iter_mut().filter(|wait| Arc::ptr_eq(&wait.reader, reader));
    own.map(|wait| now - *wait.suspected.get_or_insert(now)).min().is_some_and(|time| time >= SUSPECTED)
}
