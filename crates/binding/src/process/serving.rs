//! The thread that supervises a child: it starts it, hears it, and has the pool told, until the system says
//! that the child has ended.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use pool::{Kind, StartFailure};
use process::{Child, FrameError, Polled};

use crate::process::child_link::ChildLink;
use crate::process::children::PoolChildren;
use crate::process::hello::Hello;
use crate::process::message::to_child;
use crate::process::pace::Pace;
use crate::process::supervisor::{START_LIMIT, Supervisor};
use crate::tasks::news::{News, WorkerEvent};
use crate::tasks::pools::PoolEntry;
use crate::values::failure::failure;
use crate::values::shared_value;
use crate::values::value::Packed;
use crate::values::wire::{Unsendable, Writer};

/// Supervises one child from its start to its end; the pool has asked for it as number `start`.
pub(crate) fn supervise(entry: Arc<PoolEntry>, children: &Arc<PoolChildren>, start: u64) {
    let spawned = Child::spawn(&children.spec.command);
    children.coming.fetch_sub(1, Ordering::Relaxed);
    let (child, channel, receiver) = match spawned {
        Ok(parts) => parts,
        Err(error) => {
            let (code, how) = match error.kind() {
                std::io::ErrorKind::NotFound => ("ENOENT", StartFailure::Fatal),
                std::io::ErrorKind::PermissionDenied => ("EACCES", StartFailure::Fatal),
                std::io::ErrorKind::Unsupported => ("ENOTSUP", StartFailure::Fatal),
                _ => ("EAGAIN", StartFailure::Refused),
            };
            let cause = failure("Error", code, &format!("a child process could not be started: {error}"));
            entry.pool.start_failed_as(Kind::Process, Some(cause), how, Some(start));
            return;
        }
    };
    let link = ChildLink::new(&child, channel, entry.grace());
    children.add(&link);
    let news = entry.news.clone();
    news.tell_life(WorkerEvent::Start, link.pid, None);
    let told = tell_hello(&link, &children.spec.hello);
    let mut supervisor = Supervisor {
        entry,
        start,
        most_memory: children.spec.most_memory,
        child,
        receiver,
        link: link.clone(),
        worker: None,
        pace: Pace::default(),
        is_ahead: false,
        held: HashMap::new(),
        concerns: Vec::new(),
        loaded: HashMap::new(),
        plugins: HashSet::new(),
        loading: None,
        looked_at_load: Instant::now(),
        is_forgone: false,
        untried: Vec::new(),
        origin: None,
        last: None,
        is_near_heap_limit: false,
        cause: None,
        has_failed: false,
        is_leaving: false,
        has_closed: false,
        is_blocked: false,
        is_paused: false,
        recovers_until: None,
        asked: None,
        questions: 0,
        is_overdue: false,
        registered: None,
        end: Instant::now() + START_LIMIT,
        is_killed: false,
        idle_since: Instant::now(),
    };
    if let Err(why) = told {
        supervisor.refuse_start(why.error("an argument of the initializer"));
    }
    let exit = supervisor.serve();
    children.remove(&link);
    // Before the pool may close.
    tell_end(&news, link.pid, exit.as_ref());
    supervisor.close(exit);
}

/// Tells the child what it is.
fn tell_hello(link: &Arc<ChildLink>, hello: &Hello) -> Result<(), Unsendable> {
    for (_, number) in &hello.shared {
        if let Some(value) = shared_value::find(*number) {
            link.send_shared(&*value)?;
        }
    }
    let mut writer = Writer::default();
    hello.write(&mut writer)?;
    link.channel.send(to_child::HELLO, writer.finish());
    Ok(())
}

/// Tells how the child has ended, if it has.
fn tell_end(news: &News, pid: u32, exit: Option<&process::Exit>) {
    let (event, code) = match exit {
        Some(process::Exit::Code(code)) => (WorkerEvent::Exit, Some(*code)),
        Some(process::Exit::Signal(_)) => (WorkerEvent::Exit, None),
        None => (WorkerEvent::Abandon, None),
    };
    news.tell_life(event, pid, code);
}

impl Supervisor {
    /// The child cannot be told what it is.
    fn refuse_start(&mut self, cause: Arc<Packed>) {
        self.has_failed = true;
        let how = StartFailure::Refused;
        self.entry.pool.start_failed_as(Kind::Process, Some(cause), how, Some(self.start));
        self.kill();
    }

    /// Serves until the system says how the child has ended; `None` if it does not end.
    fn serve(&mut self) -> Option<process::Exit> {
        loop {
            self.see_to_concerns();
            let now = Instant::now();
            if self.is_killed && now >= self.end {
                return None;
            }
            let next_look = self.next_look();
            if next_look.is_some_and(|at| at <= now) {
                // Also where one message follows the other.
                self.tick();
            }
            let polled = self.receiver.poll(Some(&self.child), next_look);
            self.note_late(next_look);
            // A message is one of thousands in a second. What a child is given that has died since goes back,
            // if there are marks; if not it would be lost, so that its death is looked for first.
            let is_message = matches!(polled, Polled::Frame { .. } | Polled::Cut { .. });
            let may_wait = is_message && self.link.marked.are_there();
            let exit = if may_wait { Ok(None) } else { self.child.try_wait() };
            if matches!(exit, Ok(Some(_))) {
                self.await_end();
            }
            match polled {
                Polled::Frame { kind, body } => {
                    if self.take(kind, body).is_err() {
                        // What a child writes that is in order can be read.
                        self.kill();
                    }
                }
                Polled::Cut { kind, head } => {
                    if self.take_cut(kind, &head).is_err() {
                        self.kill();
                    }
                }
                Polled::Woken => self.called(),
                Polled::TimedOut => {
                    self.tick();
                    self.look_at_ahead();
                }
                // A child that dies closes its end first: the system is about to say how it has ended.
                Polled::Closed | Polled::Bad(FrameError::CutOff) => self.await_end(),
                Polled::Bad(_) => self.kill(),
                Polled::Exited => {}
            }
            match exit {
                Ok(None) => {}
                Ok(Some(exit)) => {
                    self.drain();
                    return Some(exit);
                }
                Err(_) => return None,
            }
        }
    }

    /// What the child has written before its end counts.
    fn drain(&mut self) {
        loop {
            match self.receiver.poll(None, Some(Instant::now())) {
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
                Polled::Woken => {}
                _ => return,
            }
        }
    }
}
