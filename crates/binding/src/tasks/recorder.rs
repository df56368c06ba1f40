//! What a trace keeps: a row for each task, and for each stop of one; so much at most, and what is oldest
//! goes first.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use parking_lot::Mutex;
use pool::{Kind, Pool, State, WorkerId};

use crate::js::{shared_enum, shared_numbers};
use crate::tasks::functions;
use crate::tasks::task::{JsTask, JsWork, NATIVE};
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
        writer.label(self.label.as_ref());
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
        let (id, label) = (reader.u64()?, reader.label()?);
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
    pub(super) number: u32,
    began: Instant,
    records: Mutex<Records>,
}

/// The recorders of all pools that are not over.
// ORDERING: what settles while a trace begins may be missing in it.
static RECORDING: AtomicUsize = AtomicUsize::new(0);

pub(super) fn is_recording() -> bool {
    RECORDING.load(Ordering::Relaxed) > 0
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
    pub(super) fn start(number: u32) -> Arc<Self> {
        RECORDING.fetch_add(1, Ordering::Relaxed);
        Arc::new(Recorder { number, began: Instant::now(), records: Mutex::default() })
    }

    /// A task is stopped that runs on this thread.
    pub(super) fn add_interrupted(&self, pool: &Pool<JsWork>, task: &Arc<JsTask>, at: Instant, thread: u32) {
        let mut row = self.row(task, TraceRow::Interrupted, at);
        (row.kind, row.thread) = (pool.config().warm_kind as u8, thread);
        self.records.lock().add(row);
    }

    /// So many rows at most, the first first.
    pub(super) fn take(&self, most: usize) -> Vec<Row> {
        let mut records = self.records.lock();
        let count = most.min(records.rows.len());
        records.rows.drain(..count).collect()
    }

    pub(super) fn dropped(&self) -> u64 {
        self.records.lock().dropped
    }

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
            label: task.owner().name.as_ref().and_then(Text::copy),
            name,
            kind: NO_KIND,
            thread: 0,
            worker: 0,
            submitted: self.time(task.submitted()),
            began: task.started().map_or(f64::NEG_INFINITY, |at| self.time(at)),
            end: self.time(end),
        }
    }

    pub(super) fn add_settled(&self, pool: &Pool<JsWork>, task: &Arc<JsTask>, at: Instant) {
        // What only waits for workers is no task.
        if task.needs() == 0 && task.kind() != Kind::Native {
            return;
        }
        let is_cancelled = task.state() == State::Cancelled;
        let what = if is_cancelled { TraceRow::Cancelled } else { TraceRow::Ended };
        let mut row = self.row(task, what, at);
        let worker = task.worker().filter(|_| row.began > f64::NEG_INFINITY);
        if let Some(id) = worker {
            let (kind, thread) = self.worker(pool, id);
            (row.kind, row.thread, row.worker) = (kind as u8, thread, id.slot);
        }
        self.records.lock().add(row);
    }

    /// The kind and the thread of a worker, as long as it is there when it is first met.
    fn worker(&self, pool: &Pool<JsWork>, id: WorkerId) -> (Kind, u32) {
        if let Some(known) = self.records.lock().workers.get(&id) {
            return *known;
        }
        // Not under the lock: this takes the pool's.
        let workers = pool.workers();
        let mut records = self.records.lock();
        for worker in workers {
            records.workers.insert(worker.id, (worker.kind, worker.link.thread()));
        }
        records.workers.get(&id).copied().unwrap_or((pool.config().warm_kind, 0))
    }

    /// The trace is over: what runs is in it, up to now.
    pub(super) fn end(&self, pool: &Pool<JsWork>) {
        if std::mem::replace(&mut self.records.lock().is_over, true) {
            return;
        }
        RECORDING.fetch_sub(1, Ordering::Relaxed);
        for worker in pool.workers() {
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
