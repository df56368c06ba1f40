//! The process whose pool this child works for, as the child knows it.
//!
//! Two pools of this process stand for that pool. The *local* one runs what this child is given: the main
//! thread is its one JavaScript worker, and all that stops and guards tasks of threads does so here. The
//! *mirror* has no workers: what this child's tasks submit to their executor is kept there, in the state that
//! the pool's process says, so that futures and waits are those of any pool.
//!
//! A thread reads what that process says, and goes on doing so while JavaScript spins or blocks. When the
//! channel ends it ends this process, with all that it has started and that is in its process group.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use pool::{Config, Kind, Task, Worker, WorkerLink};
use process::{Channel, Polled, Receiver};

use crate::js::Fault;
use crate::process::answer::{Answer, NoAnswer};
use crate::process::given::{Outbox, QueueAhead};
use crate::process::hello::Hello;
use crate::process::message::{Request, Run, START_REFUSED, to_child, to_parent};
use crate::process::sharing::Sharing;
use crate::process::view::Look;
use crate::tasks::functions::FunctionUse;
use crate::tasks::pool_event::{PoolEvent, PoolOwner};
use crate::tasks::pools::{self, PoolEntry};
use crate::tasks::task::{Destination, JsTask, JsWork};
use crate::values::failure::failure;
use crate::values::text::Text;
use crate::values::value::Packed;
use crate::values::wire::Writer;
use crate::values::wire_reader::Reader;

/// How long the pool's process may take to say what this child is.
const HELLO_LIMIT: Duration = Duration::from_secs(30);
/// How long it may take to answer: more than any machine is held up for.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// How long the pool's process may take to read what is left when this one ends.
const FLUSH_LIMIT: Duration = Duration::from_secs(10);
/// A local pool gives whatever it has: the pool's process counts.
const NO_LIMIT: usize = 1 << 20;

const UNREADABLE: &str = "a message cannot be read";

/// Looks where this process' JavaScript is.
pub(crate) type Looker = fn() -> Look;

#[derive(Default)]
pub(super) struct Answers {
    pub(super) waiting: HashMap<u32, Option<Answer>>,
}

pub(crate) struct Parent {
    pub(crate) hello: Hello,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) local: Arc<PoolEntry>,
    pub(crate) mirror: Arc<PoolEntry>,
    /// Stands for all workers of the pool.
    pub(super) mirror_worker: Mutex<Worker<JsWork>>,
    /// The tasks of the mirror that have not settled.
    pub(super) mirrored: Mutex<HashMap<u64, Arc<JsTask>>>,
    /// Streams of the mirror that have settled, and are held by a worker elsewhere.
    pub(super) held_away: Mutex<HashMap<u64, Arc<JsTask>>>,
    /// What this child was sent ahead and has not begun, with its marks.
    pub(super) ahead: Mutex<VecDeque<(u32, Run)>>,
    pub(super) answers: Mutex<Answers>,
    pub(super) answered: Condvar,
    next_request: AtomicU32,
    /// The functions of what this child is given, by the numbers of the pool's process.
    pub(super) functions: Mutex<HashMap<u32, FunctionUse>>,
    /// What stands for the loading of functions.
    pub(super) loads: Mutex<HashMap<u32, Arc<JsTask>>>,
    /// The numbers of tasks of plug-ins there, and of the first of them here.
    pub(super) plugins: Mutex<Vec<(Range<u32>, u32)>>,
    pub(super) looker: OnceLock<Looker>,
    pub(crate) sharing: Sharing,
}

static PARENT: OnceLock<Arc<Parent>> = OnceLock::new();

/// The pool's process, if this is a child that has heard of it.
pub(crate) fn get() -> Option<&'static Arc<Parent>> {
    PARENT.get()
}

/// The same, if this pool is the mirror of its pool.
pub(crate) fn of_mirror(entry: &PoolEntry) -> Option<&'static Arc<Parent>> {
    get().filter(|parent| parent.mirror.id == entry.id)
}

/// The same, if this pool is the one that runs what this child is given.
pub(crate) fn of_local(entry: &PoolEntry) -> Option<&'static Arc<Parent>> {
    get().filter(|parent| parent.local.id == entry.id)
}

/// Asks nothing of whom it is told.
struct Nobody;

impl PoolOwner for Nobody {
    fn tell(&self, _event: PoolEvent, _pool: u32, _number: f64) {}
}

/// Who owns the local pool: the process that has started this one.
struct ByChannel(Channel);

impl PoolOwner for ByChannel {
    fn tell(&self, event: PoolEvent, _pool: u32, _number: f64) {
        if event == PoolEvent::EndWorker {
            self.0.send(to_parent::GIVE_UP, Vec::new());
        }
    }
}

/// The worker of the mirror, which is never called.
struct Silent;

impl WorkerLink<JsWork> for Silent {
    fn wake(&self) {}
    fn stop(&self, _task: &Arc<Task<JsWork>>) {}
}

/// Takes up the channel to the process that has started this one, and learns what this child is.
pub(crate) fn join() -> Result<&'static Arc<Parent>, String> {
    if get().is_some() {
        return Err("this child has joined already".into());
    }
    let (channel, mut receiver) = Channel::of_parent().map_err(|error| error.to_string())?;
    let deadline = Instant::now() + HELLO_LIMIT;
    let sharing = Sharing::default();
    let hello = loop {
        match receiver.poll(None, Some(deadline)) {
            // What the initializer needs.
            Polled::Frame { kind: to_child::SHARE, body } => {
                Reader::read_all(body, |reader| sharing.take(reader)).map_err(|_| UNREADABLE)?;
            }
            // Tasks that name it fail.
            Polled::Cut { kind: to_child::SHARE, head } => {
                sharing.take(&mut Reader::of_part(&head, true)).map_err(|_| UNREADABLE)?;
            }
            Polled::Frame { kind: to_child::HELLO, body } => {
                break Hello::read(&mut Reader::new(&body)).map_err(|_| UNREADABLE)?;
            }
            Polled::Woken => {}
            _ => return Err("the process that has started this one says nothing".into()),
        }
    };
    let parent = Arc::new(Parent::new(hello, channel, sharing));
    let queue: Weak<dyn QueueAhead> = Arc::downgrade(&parent) as Weak<dyn QueueAhead>;
    parent.outbox.set_queue(queue);
    let own = parent.clone();
    // Not the thread's own: it would be closed where there is no thread.
    let receiver = Arc::new(Mutex::new(receiver));
    let its = receiver.clone();
    let reader = std::thread::Builder::new().name("cf-parent".into()).spawn(move || {
        // A panic is a bug of ours: without its reader this process is of no use, and ends as below.
        let read = std::panic::AssertUnwindSafe(|| own.read(&mut its.lock()));
        let _ = std::panic::catch_unwind(read);
        end_with_group();
    });
    if let Err(error) = reader {
        let why = format!("the system refuses a thread: {error}");
        parent.tell(to_parent::START_FAILED, |writer| {
            writer.u8(START_REFUSED);
            writer.packed_if_able(Some(&failure("Error", "EAGAIN", &why)));
        });
        return Err(why);
    }
    Ok(PARENT.get_or_init(|| parent))
}

/// Ends this process, and whatever of its process group it has started.
pub(super) fn end_with_group() -> ! {
    process::end_own_group()
}

impl Parent {
    fn new(hello: Hello, channel: Channel, sharing: Sharing) -> Parent {
        let (name, grace) = (&hello.name, hello.grace_ms);
        let outbox = Outbox::new(channel.clone());
        let config = Config {
            max_workers: NO_LIMIT,
            tasks_per_worker: NO_LIMIT,
            unasked_kind: Some(Kind::Isolate),
            thread_name: hello.thread_name.clone(),
            ..Config::default()
        };
        let local = pools::create(name, config, grace, Arc::new(ByChannel(channel)), None, Kind::Isolate);
        let config = Config {
            max_workers: NO_LIMIT,
            tasks_per_worker: NO_LIMIT,
            warm_kind: Kind::Process,
            unasked_kind: Some(Kind::Process),
            ..Config::default()
        };
        let mirror = pools::create(name, config, grace, Arc::new(Nobody), None, Kind::Process);
        let mirror_worker = Mutex::new(mirror.pool.attach(Kind::Process, Arc::new(Silent)));
        Parent {
            hello,
            outbox,
            local,
            mirror,
            mirror_worker,
            held_away: Mutex::default(),
            mirrored: Mutex::default(),
            ahead: Mutex::default(),
            answers: Mutex::default(),
            answered: Condvar::new(),
            next_request: AtomicU32::new(0),
            functions: Mutex::default(),
            loads: Mutex::default(),
            plugins: Mutex::default(),
            looker: OnceLock::new(),
            sharing,
        }
    }

    /// Tells the pool's process something that needs no answer.
    pub(crate) fn tell(&self, kind: u8, write: impl FnOnce(&mut Writer)) {
        let mut writer = Writer::default();
        write(&mut writer);
        self.outbox.channel.send(kind, writer.finish());
    }

    /// The same of a stream that this child was given.
    pub(crate) fn tell_of_stream(&self, kind: u8, task: &JsTask) {
        if let Destination::Elsewhere(there) = &task.owner().destination {
            self.tell(kind, |writer| writer.u64(there.id(task)));
        }
    }

    /// This process takes tasks from now on; `looker` says where its JavaScript is.
    pub(crate) fn ready(&self, looker: Looker) {
        let _ = self.looker.set(looker);
        self.tell(to_parent::READY, |writer| writer.bool(self.outbox.marks.is_some()));
    }

    /// Asks, and waits for the answer. The pool's process has a thread for this child alone, which answers
    /// whatever its other threads do; when it is gone this process ends.
    pub(crate) fn request(
        &self,
        request: Request,
        write: impl FnOnce(&mut Writer),
    ) -> Result<Answer, NoAnswer> {
        // ORDERING: only uniqueness among those that wait matters.
        let number = self.next_request.fetch_add(1, Ordering::Relaxed);
        let mut writer = Writer::default();
        writer.u32(number);
        writer.u8(request as u8);
        write(&mut writer);
        self.answers.lock().waiting.insert(number, None);
        self.outbox.channel.send(to_parent::REQUEST, writer.finish());
        let deadline = Instant::now() + ANSWER_LIMIT;
        let mut answers = self.answers.lock();
        loop {
            if let Some(Some(_)) = answers.waiting.get(&number) {
                return answers.waiting.remove(&number).flatten().ok_or(NoAnswer);
            }
            if self.answered.wait_until(&mut answers, deadline).timed_out() {
                answers.waiting.remove(&number);
                return Err(NoAnswer);
            }
        }
    }

    /// The same, of a question that is answered by yes or no.
    pub(crate) fn ask(&self, request: Request, write: impl FnOnce(&mut Writer)) -> Result<bool, Fault> {
        let answer = self.request(request, write)?;
        Ok(Reader::new(&answer).bool()?)
    }

    /// The same, of what is only to be done before this returns.
    pub(crate) fn have_done(&self, request: Request, write: impl FnOnce(&mut Writer)) -> Result<(), Fault> {
        self.request(request, write)?;
        Ok(())
    }

    fn read(&self, receiver: &mut Receiver) {
        loop {
            match receiver.poll(None, None) {
                Polled::Frame { kind, body } => {
                    if self.take(kind, body).is_err() {
                        return;
                    }
                }
                Polled::Cut { kind, head } => {
                    if self.take_cut(kind, &head).is_err() {
                        return;
                    }
                }
                Polled::Woken | Polled::TimedOut => {}
                Polled::Closed | Polled::Bad(_) | Polled::Exited => return,
            }
        }
    }

    /// This process ends: what it has not called goes back.
    pub(crate) fn give_back(&self, dies_of: Option<u32>) {
        self.outbox.give_back(&self.local.pool, dies_of);
    }

    /// This process ends: what it has said is written first, such as the large result of a task that has
    /// ended.
    pub(crate) fn flush(&self) {
        self.outbox.channel.flush(Instant::now() + FLUSH_LIMIT);
    }

    /// A task of the mirror, in the state that was said.
    pub(crate) fn mirror(&self, task: &Arc<JsTask>) {
        self.mirrored.lock().insert(task.id(), task.clone());
    }

    pub(crate) fn forget(&self, task: &Arc<JsTask>) {
        self.mirrored.lock().remove(&task.id());
        self.mirror.pool.cancel(task, true);
    }
}

impl Parent {
    /// This error is about to end this process, or has been left behind by a task that has ended.
    pub(crate) fn tell_cause(&self, cause: &Packed) {
        self.tell(to_parent::CAUSE, |writer| writer.error(cause));
    }

    /// That comes from the loading of a function, or from the initializer.
    pub(crate) fn tell_origin(&self, function: Option<u32>) {
        let given = function.and_then(|function| {
            let functions = self.functions.lock();
            functions.iter().find(|(_, own)| own.number() == function).map(|(number, _)| *number)
        });
        if given.is_some() == function.is_some() {
            self.tell(to_parent::ORIGIN, |writer| writer.option(given, Writer::u32));
        }
    }

    /// A task that has ended, of this name if that is known, has left an error behind.
    pub(crate) fn tell_stray(&self, task: Option<&Text>, error: &Packed) {
        let mut writer = Writer::default();
        writer.label(task);
        writer.error(error);
        self.outbox.channel.send(to_parent::STRAY, writer.finish());
    }
}
