//! What a child's worker in the pool does for it: it claims tasks, sends them, and settles them. `serving` is
//! the thread that does so.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use pool::{Ahead, Failure, Kind, Next, Outcome, Worker};
use process::{Child, MAX_BODY, Part, Receiver};

use crate::native::plugins::{self, Source};
use crate::process::child_link::{ChildLink, Concern};
use crate::process::marked::Held;
use crate::process::message::{self, NATIVE, Run, Terms, time_until, to_child};
use crate::process::pace::Pace;
use crate::process::sharing;
use crate::tasks::deadlock::Registered;
use crate::tasks::functions;
use crate::tasks::pools::PoolEntry;
use crate::tasks::task::{JsTask, JsWork, note_begun};
use crate::tasks::written_work::WrittenWork;
use crate::values::failure::unsendable;
use crate::values::value::Packed;
use crate::values::wire::Writer;

/// How long a child may take until it takes tasks.
pub(super) const START_LIMIT: Duration = Duration::from_secs(30);
/// How long one may take to end that was told to.
pub(super) const LEAVE_LIMIT: Duration = Duration::from_secs(5);

/// What a child was sent.
pub(super) enum Last {
    Task(u64),
    Load,
}

/// So many children may give a task back: what it is given may be what they die of.
const MOST_RETURNS: u8 = 3;

/// Whether another child may be given a task that one has given back.
pub(super) fn may_return(task: &JsTask) -> bool {
    // ORDERING: only the count matters.
    task.owner().returns.load(Ordering::Relaxed) < MOST_RETURNS
}

pub(super) fn length_of(parts: &[Part]) -> usize {
    parts.iter().map(|part| part.bytes().len()).sum()
}

/// The work of a task as it is sent, or the error of one that cannot leave this process.
pub(super) fn write_work(work: JsWork) -> Result<WrittenWork, Arc<Packed>> {
    let work = match work {
        JsWork::Written(work) => work,
        other => {
            let shared = other.shared();
            if !sharing::can_all_leave(&shared) {
                return Err(unsendable("a shared value"));
            }
            let mut body = Writer::default();
            message::write_work(&mut body, other).map_err(|why| why.error("an argument"))?;
            WrittenWork { parts: body.finish_shared(), shared }
        }
    };
    // The head of the message is some of the rest.
    if work.length() > MAX_BODY / 2 { Err(unsendable("so long an argument")) } else { Ok(work) }
}

/// The message that has this child run a task.
pub(super) fn write_run(
    link: &Arc<ChildLink>,
    writer: &mut Writer,
    task: &Arc<JsTask>,
    work: WrittenWork,
    mark: Option<u32>,
) {
    let terms = Terms {
        has_key: task.has_key(),
        // One that is sent ahead has not begun.
        run: task.run_end().map(time_until).or(task.timeout()),
        total: task.total_end().map(time_until),
    };
    link.forward_room(task);
    Run::write_head(writer, task, &terms, mark);
    writer.parts(work.parts);
}

pub(crate) struct Supervisor {
    pub(crate) entry: Arc<PoolEntry>,
    /// As which of its children the pool has asked for this one.
    pub(super) start: u64,
    pub(super) most_memory: Option<u64>,
    pub(super) child: Child,
    pub(super) receiver: Receiver,
    pub(crate) link: Arc<ChildLink>,
    /// Once the child takes tasks.
    pub(crate) worker: Option<Worker<JsWork>>,
    /// How far tasks are sent ahead, and whether any were since they were brought back.
    pub(super) pace: Pace,
    pub(super) is_ahead: bool,
    /// What the child has begun or begins next, by the pool's numbers; what was sent ahead is in
    /// `ChildLink::marked` only.
    pub(crate) held: HashMap<u64, Held>,
    pub(super) concerns: Vec<(Arc<JsTask>, Concern, Instant)>,
    /// The functions that the child has, with their texts: numbers are used again.
    pub(super) loaded: HashMap<u32, Arc<str>>,
    /// The first numbers of the plug-ins that it knows.
    pub(super) plugins: HashSet<u32>,
    pub(super) loading: Option<u32>,
    /// When it was looked at whether somebody waits for that.
    pub(super) looked_at_load: Instant,
    /// Whether it was told that nobody waits for that.
    pub(super) is_forgone: bool,
    /// The functions that were loaded since a task has ended.
    pub(super) untried: Vec<u32>,
    /// What it was sent last, and how many frames with it.
    pub(super) last: Option<(u64, Last)>,
    /// Whether its heap has nearly reached its limit: V8 ends a process whose heap has.
    pub(super) is_near_heap_limit: bool,
    /// From where comes what the child has said that it dies of: the loading of this function, or (none) the
    /// initializer.
    pub(super) origin: Option<Option<u32>>,
    /// What the child has said that it dies of.
    pub(super) cause: Option<Arc<Packed>>,
    /// Whether it has said that it cannot start.
    pub(super) has_failed: bool,
    pub(super) is_leaving: bool,
    /// Whether it has closed the channel without having been told to leave.
    pub(super) has_closed: bool,
    /// Whether its thread is blocked by a wait of one of its tasks: then it takes none.
    pub(crate) is_blocked: bool,
    /// Whether a debugger holds it: then its times stand still.
    pub(super) is_paused: bool,
    /// Until when it may recover from a stop: then, too.
    pub(super) recovers_until: Option<Instant>,
    /// When it was asked whether its thread is free, and has not answered.
    pub(super) asked: Option<Instant>,
    /// How often it was asked: only the last question counts.
    pub(super) questions: u32,
    /// Whether another was sent for that.
    pub(super) is_overdue: bool,
    /// A wait of one of its tasks that blocks it for ever.
    pub(crate) registered: Option<Registered>,
    /// When it is killed, if it is starting or leaving.
    pub(super) end: Instant,
    pub(super) is_killed: bool,
    pub(super) idle_since: Instant,
}

impl Supervisor {
    /// Settles what is done, if anything, and claims for as long as the child has room.
    pub(crate) fn work(&mut self, mut done: Option<(Arc<JsTask>, Outcome<JsWork>)>) {
        loop {
            let Some(worker) = &self.worker else { return };
            if self.loading.is_some() || self.is_leaving || self.is_blocked || self.recovers_until.is_some() {
                if let Some((task, outcome)) = done {
                    worker.finish(&task, outcome);
                }
                self.hold_begun();
                return;
            }
            let loaded = &self.loaded;
            let has = |needs: u32| {
                let text = loaded.get(&needs);
                text.is_some_and(|text| functions::text(needs).is_some_and(|now| Arc::ptr_eq(text, &now)))
            };
            let is_ready = |needs: u32| needs & NATIVE != 0 || has(needs);
            let given = done.as_ref().map(|(task, _)| task.clone());
            let outcome = done.take().map(|(_, outcome)| outcome);
            let settled = given.as_ref().zip(outcome);
            let (turn, ahead) = worker.turn_ahead(settled, &is_ready, self.room_ahead());
            match turn {
                Ahead::Begun(task) => {
                    self.note_begun(&task);
                    return self.send_ahead(ahead);
                }
                Ahead::Next(Next::Run(task, work)) => {
                    let sent = self.send_task(&task, work);
                    self.send_ahead(ahead);
                    match sent {
                        // The next one as soon as its thread is free again.
                        Ok(()) if self.entry.pool.config().tasks_per_worker > 1 => return self.ask(),
                        Ok(()) => {}
                        Err(error) => done = Some((task, Err(Failure::Threw(error)))),
                    }
                }
                Ahead::Next(Next::Prepare(function)) => return self.load(function),
                Ahead::Next(Next::Nothing) => {
                    self.hold_begun();
                    self.idle_since = Instant::now();
                    return;
                }
                Ahead::Next(Next::Leave) => return self.leave(),
            }
        }
    }

    /// Tells the child what a function is, and has it loaded.
    fn load(&mut self, function: u32) {
        let text = functions::text(function).unwrap_or_else(|| "".into());
        let name = functions::name(function).unwrap_or_else(|| "".into());
        let mut writer = Writer::default();
        writer.u32(function);
        writer.str(&text);
        writer.str(&name);
        self.link.channel.send(to_child::DEFINE, writer.finish());
        let mut writer = Writer::default();
        writer.u32(function);
        self.link.channel.send(to_child::LOAD, writer.finish());
        self.last = Some((self.link.channel.sent(), Last::Load));
        self.loaded.insert(function, text);
        (self.loading, self.is_forgone, self.looked_at_load) = (Some(function), false, Instant::now());
    }

    /// Writes the message that has the child run a task, which the child has from now on; or the error of one
    /// that cannot leave this process.
    pub(crate) fn write_task(
        &mut self,
        writer: &mut Writer,
        task: &Arc<JsTask>,
        work: JsWork,
        with_mark: bool,
    ) -> Result<(), Arc<Packed>> {
        let work = write_work(work)?;
        self.link.send_all_shared(&work)?;
        let mark = if with_mark { self.link.marked.offer(task, &work) } else { None };
        write_run(&self.link, writer, task, work.clone(), mark);
        self.hold(Held { task: task.clone(), work, mark });
        Ok(())
    }

    /// The child has a task from now on.
    pub(super) fn hold(&mut self, held: Held) {
        note_begun(&held.task);
        self.held.insert(held.task.id(), held);
    }

    /// Tells the child where the plug-in of a task is, once.
    pub(super) fn define_plugin(&mut self, task: &JsTask) {
        let kernel = task.needs() & !NATIVE;
        if task.needs() & NATIVE == 0 || kernel < plugins::FIRST {
            return;
        }
        let Some(Source { first, count, path }) = plugins::source_of(kernel) else { return };
        if self.plugins.insert(first) {
            let mut writer = Writer::default();
            writer.u32(first);
            writer.u32(count);
            writer.str(&path);
            self.link.channel.send(to_child::DEFINE_PLUGIN, writer.finish());
        }
    }

    fn send_task(&mut self, task: &Arc<JsTask>, work: JsWork) -> Result<(), Arc<Packed>> {
        self.define_plugin(task);
        let mut writer = Writer::default();
        self.write_task(&mut writer, task, work, true)?;
        self.pace.begin();
        let is_sent = self.link.channel.send(to_child::RUN, writer.finish());
        self.last = Some((self.link.channel.sent(), Last::Task(task.id())));
        if is_sent {
            self.see_that_it_stops(task);
        } else {
            // The child is gone: the next one would be lost in the same way.
            self.await_end();
            self.give_back(task.id());
        }
        Ok(())
    }

    /// The task of this number, if the child has it.
    pub(super) fn task(&self, number: u64) -> Option<Arc<JsTask>> {
        let held = self.held.get(&number).map(|held| held.task.clone());
        held.or_else(|| self.link.marked.find(number).map(|held| held.task))
    }

    /// The child is done with the task of this number, if it has it.
    pub(super) fn take_held(&mut self, number: u64) -> Option<Held> {
        // What was sent ahead may have begun before the pool has learned of it.
        let held = self.held.remove(&number).or_else(|| self.link.marked.find(number))?;
        self.link.marked.release(held.mark);
        self.pace.passed_over = 0;
        Some(held)
    }

    /// The child has never called this task.
    pub(super) fn give_back(&mut self, number: u64) {
        if let Some(Held { task, work, .. }) = self.take_held(number) {
            self.return_unbegun(&task, work);
        }
    }

    /// The same, for one that is not held any more. It is lost after some children.
    pub(super) fn return_unbegun(&self, task: &Arc<JsTask>, work: WrittenWork) {
        let Some(worker) = &self.worker else { return };
        if may_return(task) {
            task.owner().returns.fetch_add(1, Ordering::Relaxed);
            worker.return_unbegun(task, JsWork::Written(work));
        } else {
            worker.finish(task, Err(Failure::Lost { exit: None, cause: None }));
        }
    }

    /// Stopped before the child knew of it: it did not understand that.
    pub(crate) fn see_that_it_stops(&self, task: &Arc<JsTask>) {
        if task.is_cancel_requested() {
            pool::WorkerLink::stop(&*self.link, task);
        }
    }

    pub(crate) fn leave(&mut self) {
        self.is_leaving = true;
        self.end = Instant::now() + LEAVE_LIMIT;
        self.link.channel.send(to_child::LEAVE, Vec::new());
    }

    pub(crate) fn begin(&mut self) {
        if self.worker.is_some() || self.has_failed || self.link.is_unwanted.load(Ordering::Acquire) {
            return;
        }
        self.link.is_ready.store(true, Ordering::Release);
        self.worker = Some(self.entry.pool.attach_as(Kind::Process, self.link.clone(), Some(self.start)));
        self.work(None);
    }

    pub(crate) fn look_at_memory(&mut self) {
        let resident =
            self.most_memory.and_then(|most| self.child.resident_bytes().filter(|now| *now > most));
        if resident.is_some() {
            self.retire();
        }
    }

    pub(crate) fn retire(&mut self) {
        if let Some(worker) = &self.worker {
            self.entry.pool.retire(worker.id());
        }
        self.work(None);
    }
}
