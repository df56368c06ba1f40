//! What traces record: each task of a pool when it settles, whoever has submitted it, and each stop of one.
//!
//! While no trace is being recorded a task costs one look at a number. A recorder belongs to its pool, and
//! keeps so much at most; what is oldest goes first.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Instant;

use parking_lot::Mutex;
use pool::{Kind, State, WorkerId};

use crate::js::{shared_enum, shared_numbers};
use crate::tasks::functions;
use crate::tasks::pools::{self, PoolEntry};
use crate::tasks::task::{JsTask, NATIVE};
use crate::values::text::Text;
use crate::values::wire::Writer;
use crate::values::wire_reader::{Malformed, Reader};

shared_enum! {
    /// What a row of a trace is.
    pub(crate) enum TraceRow = "TRACE": u8 {
        Ended = 0,
        /// The trace has ended before it has.
        Running = 1,
        Cancelled = 2,
        Interrupted = 3,
    }
}

shared_numbers! {
    /// Where in a row its cells are; times in milliseconds from the beginning of the trace on.
    pub(crate) CELLS = "TRACE": u32 {
        ROW = 0,
        ID = 1,
        LABEL = 2,
        /// The name of its function; of a native task the number of its kernel.
        NAME = 3,
        KIND = 4,
        THREAD = 5,
        /// Tells native threads from each other.
        WORKER = 6,
        SUBMITTED = 7,
        /// Negative infinity if it never has.
        BEGAN = 8,
        END = 9,
        CELL_COUNT = 10,
    }
}

/// The kind of a task that no worker has begun.
const NO_KIND: u8 = 255;
/// So many events are kept: a task that has run is three, one that has not two.
const MOST_EVENTS: usize = 1_000_000;

pub(crate) enum TaskName {
    Function(Arc<str>),
    Kernel(u32),
}

pub(crate) struct Row {
    pub(crate) what: TraceRow,
    pub(crate) id: u64,
    pub(crate) label: Option<Text>,
    pub(crate) name: TaskName,
    /// Of its worker.
    pub(crate) kind: u8,
    pub(crate) thread: u32,
    pub(crate) worker: u32,
    pub(crate) submitted: f64,
    pub(crate) began: f64,
    pub(crate) end: f64,
}

impl Row {
    fn events(&self) -> usize {
        if self.what == TraceRow::Interrupted { 1 } else { 2 + usize::from(self.kind != NO_KIND) }
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.u8(self.what as u8);
        writer.u64(self.id);
        writer.option(self.label.as_ref(), Writer::text);
        let (name, kernel) = match &self.name {
            TaskName::Function(name) => (Some(&**name), None),
            TaskName::Kernel(kernel) => (None, Some(*kernel)),
        };
        writer.option(name, Writer::str);
        writer.option(kernel, Writer::u32);
        writer.u8(self.kind);
        writer.u32(self.thread);
        writer.u32(self.worker);
        [self.submitted, self.began, self.end].into_iter().for_each(|time| writer.f64(time));
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Row, Malformed> {
        let what = TraceRow::from_number(reader.u8()?).ok_or(Malformed)?;
        let (id, label) = (reader.u64()?, reader.option(Reader::text)?);
        let (name, kernel) = (reader.option(Reader::str)?, reader.option(Reader::u32)?);
        let name = kernel.map_or_else(|| TaskName::Function(name.unwrap_or("").into()), TaskName::Kernel);
        let (kind, thread, worker) = (reader.u8()?, reader.u32()?, reader.u32()?);
        let (submitted, began, end) = (reader.f64()?, reader.f64()?, reader.f64()?);
        Ok(Row { what, id, label, name, kind, thread, worker, submitted, began, end })
    }
}

#[derive(Default)]
struct Records {
    rows: VecDeque<Row>,
    events: usize,
    dropped: u64,
    /// The kinds and threads of the workers that were met.
    workers: HashMap<WorkerId, (Kind, u32)>,
    is_over: bool,
}

/// One trace.
pub(crate) struct Recorder {
    number: u32,
    began: Instant,
    records: Mutex<Records>,
}

/// The recorders of all pools that are not over.
// ORDERING: what settles while a trace begins may be missing in it.
static RECORDING: AtomicUsize = AtomicUsize::new(0);

fn is_recording() -> bool {
    RECORDING.load(Ordering::Relaxed) > 0
}

/// A task has settled.
#[inline]
pub(crate) fn note_settled(task: &Arc<JsTask>, at: Instant) {
    if is_recording() {
        note(task, at, None);
    }
}

/// A task is stopped that runs on this thread.
pub(crate) fn note_interrupt(task: &Arc<JsTask>, thread: u32) {
    if is_recording() {
        note(task, Instant::now(), Some(thread));
    }
}

#[cold]
fn note(task: &Arc<JsTask>, at: Instant, interrupted_on: Option<u32>) {
    let Some(entry) = pools::find(task.owner().pool) else { return };
    let recorders = entry.recorders.lock().clone();
    for recorder in recorders {
        match interrupted_on {
            None => recorder.add_settled(&entry, task, at),
            Some(thread) => {
                let mut row = recorder.row(task, TraceRow::Interrupted, at);
                (row.kind, row.thread) = (entry.kind as u8, thread);
                recorder.records.lock().add(row);
            }
        }
    }
}

impl Records {
    fn add(&mut self, row: Row) {
        if self.is_over {
            return;
        }
        self.push(row);
    }

    fn push(&mut self, row: Row) {
        self.events += row.events();
        self.rows.push_back(row);
        while self.events > MOST_EVENTS {
            let Some(oldest) = self.rows.pop_front() else { return };
            self.events -= oldest.events();
            self.dropped += oldest.events() as u64;
        }
    }
}

impl Recorder {
    fn time(&self, at: Instant) -> f64 {
        let after = at.saturating_duration_since(self.began).as_secs_f64();
        (after - self.began.saturating_duration_since(at).as_secs_f64()) * 1e3
    }

    /// All but the worker.
    fn row(&self, task: &Arc<JsTask>, what: TraceRow, end: Instant) -> Row {
        let needs = task.needs();
        let is_native = task.kind() == Kind::Native || needs & NATIVE != 0;
        let name = if is_native {
            TaskName::Kernel(needs & !NATIVE)
        } else {
            TaskName::Function(functions::name(needs).unwrap_or_else(|| "".into()))
        };
        Row {
            what,
            id: task.id(),
            label: task.owner().name.as_ref().map(Text::copy),
            name,
            kind: NO_KIND,
            thread: 0,
            worker: 0,
            submitted: self.time(task.submitted()),
            began: task.started().map_or(f64::NEG_INFINITY, |at| self.time(at)),
            end: self.time(end),
        }
    }

    fn add_settled(&self, entry: &PoolEntry, task: &Arc<JsTask>, at: Instant) {
        // What only waits for workers is no task.
        if task.needs() == 0 && task.kind() != Kind::Native {
            return;
        }
        let is_cancelled = task.state() == State::Cancelled;
        let what = if is_cancelled { TraceRow::Cancelled } else { TraceRow::Ended };
        let mut row = self.row(task, what, at);
        let worker = task.worker().filter(|_| row.began > f64::NEG_INFINITY);
        if let Some(id) = worker {
            let (kind, thread) = self.worker(entry, id);
            (row.kind, row.thread, row.worker) = (kind as u8, thread, id.slot);
        }
        self.records.lock().add(row);
    }

    /// The kind and the thread of a worker, as long as it is there when it is first met.
    fn worker(&self, entry: &PoolEntry, id: WorkerId) -> (Kind, u32) {
        if let Some(known) = self.records.lock().workers.get(&id) {
            return *known;
        }
        // Not under the lock: this takes the pool's.
        let workers = entry.pool.workers();
        let mut records = self.records.lock();
        for worker in workers {
            records.workers.insert(worker.id, (worker.kind, worker.link.thread()));
        }
        records.workers.get(&id).copied().unwrap_or((entry.kind, 0))
    }

    /// The trace is over: what runs is in it, up to now.
    fn end(&self, entry: &PoolEntry) {
        if std::mem::replace(&mut self.records.lock().is_over, true) {
            return;
        }
        RECORDING.fetch_sub(1, Ordering::Relaxed);
        for worker in entry.pool.workers() {
            for task in worker.held.iter().filter(|task| !task.state().is_settled()) {
                let mut row = self.row(task, TraceRow::Running, Instant::now());
                (row.kind, row.thread, row.worker) =
                    (worker.kind as u8, worker.link.thread(), worker.id.slot);
                self.records.lock().push(row);
            }
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        if !self.records.get_mut().is_over {
            RECORDING.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Begins a trace of a pool: its number.
pub(crate) fn start(entry: &PoolEntry) -> u32 {
    // ORDERING: only uniqueness matters.
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let recorder = Recorder { number, began: Instant::now(), records: Mutex::default() };
    entry.recorders.lock().push(Arc::new(recorder));
    RECORDING.fetch_add(1, Ordering::Relaxed);
    number
}

fn find(entry: &PoolEntry, number: u32) -> Option<Arc<Recorder>> {
    entry.recorders.lock().iter().find(|recorder| recorder.number == number).cloned()
}

/// Ends a trace and takes the next of its rows, so many at most; none when all were taken.
pub(crate) fn take(entry: &PoolEntry, number: u32, most: usize) -> Vec<Row> {
    let Some(recorder) = find(entry, number) else { return Vec::new() };
    recorder.end(entry);
    let rows: Vec<Row> = {
        let mut records = recorder.records.lock();
        let count = most.min(records.rows.len());
        records.rows.drain(..count).collect()
    };
    if rows.is_empty() {
        entry.recorders.lock().retain(|other| other.number != number);
    }
    rows
}

/// How many events a trace has dropped; 0 of one that is not there any more.
pub(crate) fn dropped(entry: &PoolEntry, number: u32) -> u64 {
    find(entry, number).map_or(0, |recorder| recorder.records.lock().dropped)
}
