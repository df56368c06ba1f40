//! Tasks: what the pool's generic parts are in this binding.

use std::sync::atomic::{AtomicBool, Ordering};
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
use crate::values::failure::failure;
use crate::values::text::Text;
use crate::values::value::{Args, Packed};

pub(crate) type JsPool = pool::Pool<JsWork>;
pub(crate) type JsTask = Task<JsWork>;
pub(crate) type JsMailbox = Mailbox<Note>;

/// What other threads have to tell an isolate.
pub(crate) enum Note {
    /// A future has settled.
    Settled(Arc<JsTask>),
    /// A running task has reported progress.
    Progress(Arc<JsTask>),
    /// For TypeScript: what happened to which pool, with a number.
    Pool { event: PoolEvent, pool: u32, number: f64 },
}

impl PoolOwner for JsMailbox {
    fn tell(&self, event: PoolEvent, pool: u32, number: f64) {
        let note = Note::Pool { event, pool, number };
        if event.is_service() { self.post_service(note) } else { self.post(note) }
    }
}

/// A task's code and arguments. The function of an isolate's task is what the task `needs`.
pub(crate) enum JsWork {
    Isolate(Args),
    Native { kernel: u32, args: Args },
    NativeChunk { kernel: u32, calls: Calls },
}

/// What the submitter keeps with a future.
pub(crate) struct Ticket {
    /// Where the outcome is delivered.
    pub(crate) mailbox: Arc<JsMailbox>,
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
    /// The task's arguments, if only a MessagePort can carry them.
    pub(crate) port_value: Option<Arc<PortValue>>,
}

impl Ticket {
    pub(crate) fn new(mailbox: Arc<JsMailbox>, pool: u32, slot: u32, name: Option<Text>) -> Self {
        Ticket {
            mailbox,
            pool,
            slot,
            name,
            has_looked: AtomicBool::new(false),
            stop_reason: OnceLock::new(),
            progress: Mutex::new(None),
            has_progress: AtomicBool::new(false),
            stop_sign: StopSign::default(),
            port_value: None,
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
    /// The thread of this worker has ended in a way that only who started it will know.
    OfWorker(u32),
}

impl Work for JsWork {
    type Value = Packed;
    type Error = Arc<Packed>;
    type Exit = Exit;
    type Owner = Ticket;

    fn run(self, control: &Control<'_, Self>) -> Result<Packed, Arc<Packed>> {
        match self {
            JsWork::Native { kernel, args } => native::run(kernel, args, &Running(control)),
            JsWork::NativeChunk { kernel, calls } => native::run_chunk(kernel, calls, &Running(control)),
            JsWork::Isolate(_) => Err(failure("Error", "", "a JavaScript task on a native thread")),
        }
    }

    fn no_thread(error: &std::io::Error) -> Option<Arc<Packed>> {
        Some(failure("Error", "EAGAIN", &format!("the system refuses a thread: {error}")))
    }

    fn no_worker(exit: Option<&Exit>) -> Option<Arc<Packed>> {
        let how = match exit {
            Some(Exit::Code(code)) => format!(" with exit code {code}"),
            Some(Exit::OfWorker(_)) | None => String::new(),
        };
        Some(failure("Error", "", &format!("a worker ended{how} before its first task")))
    }

    fn settled(task: &Arc<JsTask>) {
        task.owner().mailbox.post_coalesced(Note::Settled(task.clone()));
        // Up before a task that did not return by itself is announced.
        if task.is_cancel_requested() {
            task.owner().stop_sign.raise();
        }
    }
}

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
    task.owner().has_progress.store(true, Ordering::Release);
    let mut progress = task.owner().progress.lock();
    let waiting = progress.get_or_insert_default();
    waiting.push(value);
    let first = waiting.len() == 1;
    drop(progress);
    if first {
        task.owner().mailbox.post(Note::Progress(task.clone()));
    }
}
