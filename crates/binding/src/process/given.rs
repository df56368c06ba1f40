//! A task that the pool's process has given to this child: what becomes of it is told there.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use parking_lot::Mutex;
use pool::{Cancelled, Pool, State};
use process::{Channel, Marks};

use crate::process::message::to_parent;
use crate::process::nested::{outcome_parts, send_progress};
use crate::tasks::functions;
use crate::tasks::task::{Elsewhere, JsTask, JsWork};
use crate::values::wire::Writer;

/// What this child was sent ahead and has not begun.
pub(crate) trait QueueAhead: Send + Sync {
    /// Begins the next of them, if this child has none.
    fn begin_next(&self);
    /// Begins none of them.
    fn pass_all_over(&self);
}

/// What all tasks of this child share on their way back.
pub(crate) struct Outbox {
    pub(crate) channel: Channel,
    /// The tasks that this child has, by the numbers of the pool's process.
    pub(crate) tasks: Mutex<HashMap<u64, Arc<JsTask>>>,
    /// Tasks that were given back: their end here is nobody's.
    returned: Mutex<HashSet<u64>>,
    /// Tasks that have settled and keep the thread.
    early: AtomicUsize,
    /// By which the two processes agree on which tasks have begun.
    pub(crate) marks: Option<Marks>,
    ahead: OnceLock<Weak<dyn QueueAhead>>,
}

impl Outbox {
    pub(crate) fn new(channel: Channel) -> Arc<Outbox> {
        let (tasks, returned, early, ahead) = Default::default();
        Arc::new(Outbox { channel, tasks, returned, early, marks: Marks::of_parent(), ahead })
    }

    /// What follows a task that has ended.
    pub(crate) fn set_queue(&self, queue: Weak<dyn QueueAhead>) {
        let _ = self.ahead.set(queue);
    }

    fn queue(&self) -> Option<Arc<dyn QueueAhead>> {
        self.ahead.get().and_then(Weak::upgrade)
    }

    /// Whether this child has no task.
    pub(crate) fn is_free(&self) -> bool {
        self.early.load(Ordering::Acquire) == 0 && self.tasks.lock().is_empty()
    }

    /// This child ends: what it has not called goes back, but for tasks of the function that it dies of, if
    /// that is known. A task that begins meanwhile is not among that.
    pub(crate) fn give_back(&self, local: &Arc<Pool<JsWork>>, dies_of: Option<u32>) {
        let is_cause = dies_of.map(functions::same_module);
        let waiting: Vec<_> =
            self.tasks.lock().iter().map(|(number, task)| (*number, task.clone())).collect();
        let mut numbers = Vec::new();
        for (number, task) in waiting {
            if task.state() != State::Pending || is_cause.as_ref().is_some_and(|covers| covers(task.needs()))
            {
                continue;
            }
            self.returned.lock().insert(number);
            if local.cancel(&task, false) == Cancelled::BeforeStart {
                numbers.push(number);
            } else {
                self.returned.lock().remove(&number);
            }
        }
        if !numbers.is_empty() {
            let mut writer = Writer::default();
            writer.u32(numbers.len() as u32);
            numbers.into_iter().for_each(|number| writer.u64(number));
            self.channel.send(to_parent::GIVE_BACK, writer.finish());
        }
    }

    fn send_number(&self, kind: u8, number: u64) {
        let mut writer = Writer::default();
        writer.u64(number);
        self.channel.send(kind, writer.finish());
    }
}

/// How far a task is on its way back.
#[derive(Default)]
struct Sent {
    /// Whether its outcome was sent.
    outcome: bool,
    /// Whether its worker has let it go before that.
    is_free: bool,
    /// Whether it has not, and has not since.
    is_early: bool,
}

pub(crate) struct Given {
    pub(crate) outbox: Arc<Outbox>,
    /// The pool by which it runs here.
    pub(crate) local: Arc<Pool<JsWork>>,
    pub(crate) number: u64,
    mark: Option<u32>,
    /// Whether it has a key, in the pool's process.
    has_key: bool,
    sent: Mutex<Sent>,
}

impl Given {
    pub(crate) fn new(
        outbox: Arc<Outbox>,
        local: Arc<Pool<JsWork>>,
        number: u64,
        mark: Option<u32>,
        has_key: bool,
    ) -> Given {
        Given { outbox, local, number, mark, has_key, sent: Mutex::default() }
    }
}

impl Elsewhere for Given {
    fn begun(&self, _task: &Arc<JsTask>) {
        if let (Some(mark), Some(marks)) = (self.mark, &self.outbox.marks) {
            marks.call(mark as usize);
        }
    }

    fn noted_waits(&self, waits: bool) {
        if self.has_key {
            let mut writer = Writer::default();
            writer.u64(self.number);
            writer.bool(waits);
            self.outbox.channel.send(to_parent::WAITS, writer.finish());
        }
    }

    fn progressed(&self, task: &Arc<JsTask>) {
        send_progress(&self.outbox.channel, to_parent::PROGRESS, self.number, task);
    }

    fn settled(&self, task: &Arc<JsTask>) {
        self.progressed(task);
        let forgotten = self.outbox.tasks.lock().remove(&self.number);
        if self.outbox.returned.lock().contains(&self.number) {
            return;
        }
        let is_held = self.local.is_held(task);
        let (parts, by_itself) = outcome_parts(self.number, task);
        let mut sent = self.sent.lock();
        let is_early = is_held && !sent.is_free;
        sent.outcome = true;
        sent.is_early = is_early;
        if is_early {
            self.outbox.early.fetch_add(1, Ordering::AcqRel);
        }
        let kind = if is_early { to_parent::EARLY } else { to_parent::DONE };
        let is_sent = self.outbox.channel.send(kind, parts);
        drop((sent, forgotten));
        // Where nothing can be said any more this process ends, and what it has not begun goes back.
        if let Some(queue) = self.outbox.queue().filter(|_| is_sent) {
            // One that was stopped may have left its thread in need of recovery.
            if by_itself && !is_early { queue.begin_next() } else { queue.pass_all_over() }
        }
    }

    fn let_go(&self, _task: &Arc<JsTask>) {
        let mut sent = self.sent.lock();
        sent.is_free = true;
        // Otherwise the outcome says it.
        if sent.outcome {
            if std::mem::take(&mut sent.is_early) {
                self.outbox.early.fetch_sub(1, Ordering::AcqRel);
            }
            self.outbox.send_number(to_parent::LET_GO, self.number);
        }
    }

    fn id(&self, _task: &JsTask) -> u64 {
        self.number
    }

    fn place(&self) -> *const () {
        Arc::as_ptr(&self.outbox).cast()
    }
}

/// Stands for the loading of a function.
pub(crate) struct Loading {
    pub(crate) outbox: Arc<Outbox>,
    /// The number that the pool's process has for it.
    pub(crate) function: u32,
}

impl Elsewhere for Loading {
    fn begun(&self, _task: &Arc<JsTask>) {}

    fn progressed(&self, _task: &Arc<JsTask>) {}

    fn settled(&self, _task: &Arc<JsTask>) {
        let mut writer = Writer::default();
        writer.u32(self.function);
        self.outbox.channel.send(to_parent::LOADED, writer.finish());
    }

    fn let_go(&self, _task: &Arc<JsTask>) {}

    fn place(&self) -> *const () {
        Arc::as_ptr(&self.outbox).cast()
    }
}
