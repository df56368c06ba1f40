//! Tasks: what the pool's generic parts are in this binding.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use pool::{Control, Task, Work};

use crate::doorbell::mailbox::Mailbox;
use crate::native;
use crate::native::chunk::Calls;
use crate::native::control::TaskControl;
use crate::native::stop_sign::StopSign;
use crate::tasks::pool_event::{PoolEvent, PoolOwner};
use crate::tasks::port_value::PortValue;
use crate::tasks::stream::Stream;
use crate::tasks::written_work::WrittenWork;
use crate::values::failure::failure;
use crate::values::shared_use::{SharedPlace, SharedUse};
use crate::values::shared_value::SharedReader;
use crate::values::text::Text;
use crate::values::value::{self, Args, Packed, Value};

pub(crate) type JsPool = pool::Pool<JsWork>;
pub(crate) type JsTask = Task<JsWork>;
pub(crate) type JsMailbox = Mailbox<Note>;

/// In the number of what a task of a pool of children needs: it is a native task, which needs no loading.
pub(crate) const NATIVE: u32 = 1 << 31;

/// What other threads have to tell an isolate.
pub(crate) enum Note {
    /// A future has settled.
    Settled(Arc<JsTask>),
    /// A running task has reported progress.
    Progress(Arc<JsTask>),
    /// To the worker of a stream that stands still: it may go on.
    GoOn(Arc<JsTask>),
    /// To the reader of a stream: its worker has let it go.
    LetGo(Arc<JsTask>),
    /// For TypeScript: what happened to which pool, with a number.
    Pool { event: PoolEvent, pool: u32, number: f64 },
    /// The shared value of this number has gone.
    Unshared(u64),
}

impl SharedReader for JsMailbox {
    fn forget(&self, number: u64) {
        self.post(Note::Unshared(number));
    }
}

impl PoolOwner for JsMailbox {
    fn tell(&self, event: PoolEvent, pool: u32, number: f64) {
        let note = Note::Pool { event, pool, number };
        if event.is_service() { self.post_service(note) } else { self.post(note) }
    }
}

/// Whoever is told of a task that no isolate of this process waits for: another process.
pub(crate) trait Elsewhere: Send + Sync {
    /// A worker has claimed the task.
    fn begun(&self, task: &Arc<JsTask>);
    /// The task has reported progress, which is in its ticket.
    fn progressed(&self, task: &Arc<JsTask>);
    /// It has settled.
    fn settled(&self, task: &Arc<JsTask>);
    /// It had settled before, and its worker has let it go.
    fn let_go(&self, task: &Arc<JsTask>);
    /// The id that the task has in its executor.
    fn id(&self, task: &JsTask) -> u64 {
        task.id()
    }
    /// It waits for a future, or goes on.
    fn noted_waits(&self, _waits: bool) {}
    /// Says which process that is: no other has this address.
    fn place(&self) -> *const ();
}

/// Where the outcome of a task is delivered.
pub(crate) enum Destination {
    Isolate(Arc<JsMailbox>),
    Elsewhere(Box<dyn Elsewhere>),
}

impl Destination {
    /// Whether it is the isolate of this mailbox.
    pub(crate) fn is(&self, mailbox: &Arc<JsMailbox>) -> bool {
        matches!(self, Destination::Isolate(own) if Arc::ptr_eq(own, mailbox))
    }
}

/// A task's code and arguments. The function of an isolate's task is what the task `needs`.
pub(crate) enum JsWork {
    Isolate(Args),
    /// Nothing to run: the worker has what the task needs, which was all that was wanted.
    Load,
    Native {
        kernel: u32,
        args: Args,
    },
    /// Any of the others, written for a child.
    Written(WrittenWork),
    NativeChunk {
        kernel: u32,
        calls: Calls,
    },
}

impl JsWork {
    /// The shared values among its arguments.
    pub(crate) fn shared(&self) -> Box<[Arc<dyn SharedUse>]> {
        let values = match self {
            JsWork::Isolate(args) if value::has_shared(args.form) => args.values.as_slice(),
            _ => &[],
        };
        let use_of = |value: &Value| match value {
            Value::Shared(SharedPlace { value, .. }) => Some(value.clone()),
            _ => None,
        };
        values.iter().filter_map(use_of).collect()
    }
}

/// What the submitter keeps with a future.
pub(crate) struct Ticket {
    pub(crate) destination: Destination,
    /// The pool that it was submitted to.
    pub(crate) pool: u32,
    /// The submitter's slot for it. A completion counts only if that slot holds this very task.
    pub(crate) slot: u32,
    pub(crate) name: Option<Text>,
    /// Whether the task has looked at its `currentTask()`: then it is asked to stop before it is stopped.
    // ORDERING: a hint; the stopper may see it late.
    pub(crate) has_looked: AtomicBool,
    /// Why the task is asked to stop, if whoever asks has said it. Set before it is asked.
    pub(crate) stop_reason: OnceLock<Box<Packed>>,
    /// Progress that was reported and not delivered.
    #[expect(clippy::box_collection, reason = "few tasks have any, and all have room for it")]
    pub(crate) progress: Mutex<Option<Box<Vec<Packed>>>>,
    // ORDERING: set before the task can settle, read after it has: the settling orders the two.
    pub(crate) has_progress: AtomicBool,
    /// For a plug-in's task.
    pub(crate) stop_sign: StopSign,
    /// Whether somebody was told that it is stopped.
    // ORDERING: only that one of them tells matters.
    pub(crate) is_interrupted: AtomicBool,
    /// How many children have given it back.
    pub(crate) returns: AtomicU8,
    /// The task's arguments, if only a MessagePort can carry them.
    pub(crate) port_value: Option<Arc<PortValue>>,
    /// If the task is a stream.
    pub(crate) stream: Option<Box<Stream>>,
}

impl Ticket {
    pub(crate) fn new(destination: Destination, pool: u32, slot: u32, name: Option<Text>) -> Self {
        Ticket {
            destination,
            pool,
            slot,
            name,
            has_looked: AtomicBool::new(false),
            stop_reason: OnceLock::new(),
            progress: Mutex::new(None),
            has_progress: AtomicBool::new(false),
            stop_sign: StopSign::default(),
            is_interrupted: AtomicBool::new(false),
            returns: AtomicU8::new(0),
            port_value: None,
            stream: None,
        }
    }

    pub(crate) fn has_looked(&self) -> bool {
        self.has_looked.load(Ordering::Relaxed)
    }
}

/// How a worker has ended.
#[derive(Clone, Copy)]
pub(crate) enum Exit {
    Code(i32),
    /// This signal has ended the process.
    Signal(i32),
    /// The thread of this worker has ended in a way that only who started it will know.
    OfWorker(u32),
}

/// A worker begins this task: tells whoever waits for it in another process.
pub(crate) fn note_begun(task: &Arc<JsTask>) {
    if let Destination::Elsewhere(there) = &task.owner().destination {
        there.begun(task);
    }
}

impl Work for JsWork {
    type Value = Packed;
    type Error = Arc<Packed>;
    type Exit = Exit;
    type Owner = Ticket;

    fn run(self, control: &Control<'_, Self>) -> Result<Packed, Arc<Packed>> {
        note_begun(control.task());
        match self {
            JsWork::Native { kernel, args } => native::run(kernel, args, &Running(control)),
            JsWork::NativeChunk { kernel, calls } => native::run_chunk(kernel, calls, &Running(control)),
            JsWork::Isolate(_) | JsWork::Load | JsWork::Written(_) => {
                Err(failure("Error", "", "a JavaScript task on a native thread"))
            }
        }
    }

    fn no_thread(error: &std::io::Error) -> Option<Arc<Packed>> {
        Some(failure("Error", "EAGAIN", &format!("the system refuses a thread: {error}")))
    }

    fn no_worker(exit: Option<&Exit>) -> Option<Arc<Packed>> {
        let how = match exit {
            Some(Exit::Code(code)) => format!(" with exit code {code}"),
            Some(Exit::Signal(signal)) => format!(" by signal {signal}"),
            Some(Exit::OfWorker(_)) | None => String::new(),
        };
        Some(failure("Error", "", &format!("a worker ended{how} before its first task")))
    }

    fn settled(task: &Arc<JsTask>, at: Instant) {
        if let Some(hooks) = HOOKS.get() {
            (hooks.settled)(task, at);
        }
        match &task.owner().destination {
            Destination::Isolate(mailbox) => mailbox.post_coalesced(Note::Settled(task.clone())),
            Destination::Elsewhere(there) => there.settled(task),
        }
        // Up before a task that did not return by itself is announced.
        if task.is_cancel_requested() {
            task.owner().stop_sign.raise();
        }
    }

    fn let_go(task: &Arc<JsTask>) {
        match &task.owner().destination {
            Destination::Elsewhere(there) => there.let_go(task),
            Destination::Isolate(mailbox) if task.owner().stream.is_some() => {
                mailbox.post(Note::LetGo(task.clone()));
            }
            Destination::Isolate(_) => {}
        }
    }
}

/// Who is told of all tasks.
pub(crate) struct Hooks {
    /// One has settled.
    pub(crate) settled: fn(&Arc<JsTask>, Instant),
    /// One that runs on this thread is stopped.
    pub(crate) interrupted: fn(&Arc<JsTask>, u32),
}

/// Set by the first trace, which stands above this module.
pub(crate) static HOOKS: OnceLock<Hooks> = OnceLock::new();

/// The task that runs on a native thread, as native code sees it.
struct Running<'a, 'b>(&'a Control<'b, JsWork>);

impl kernels::Control for Running<'_, '_> {
    fn check(&self) -> Result<(), kernels::Stopped> {
        if self.0.cancelled() { Err(kernels::Stopped) } else { Ok(()) }
    }
}

impl TaskControl for Running<'_, '_> {
    fn remaining(&self) -> Option<Duration> {
        self.0.remaining()
    }

    fn wait_until_settled(&self, limit: Instant) {
        self.0.task().wait_until(Some(limit));
    }

    fn report_progress(&self, value: Packed) {
        report_progress(self.0.task(), value);
    }

    fn stop_sign(&self) -> &StopSign {
        &self.0.task().owner().stop_sign
    }
}

/// Reports progress of a running task.
pub(crate) fn report_progress(task: &Arc<JsTask>, value: Packed) {
    report_all(task, [value]);
}

/// The same of several values, in order.
pub(crate) fn report_all(task: &Arc<JsTask>, values: impl IntoIterator<Item = Packed>) {
    if keep_progress(task, values) {
        tell_of_progress(task);
    }
}

/// Keeps progress of a running task until it is delivered. Whether there was none, so that it is to be told.
pub(crate) fn keep_progress(task: &Arc<JsTask>, values: impl IntoIterator<Item = Packed>) -> bool {
    task.owner().has_progress.store(true, Ordering::Release);
    let mut progress = task.owner().progress.lock();
    let waiting = progress.get_or_insert_default();
    let is_first = waiting.is_empty();
    waiting.extend(values);
    is_first
}

/// Tells whoever waits for the task that there is progress.
pub(crate) fn tell_of_progress(task: &Arc<JsTask>) {
    match &task.owner().destination {
        Destination::Isolate(mailbox) => mailbox.post(Note::Progress(task.clone())),
        Destination::Elsewhere(there) => there.progressed(task),
    }
}
