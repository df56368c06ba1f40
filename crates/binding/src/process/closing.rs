//! The end of a child, as the pool is told it.

use std::sync::atomic::Ordering;

use pool::{Blame, Kind, StartFailure};

use crate::process::supervisor::{Last, Supervisor, may_return};
use crate::tasks::functions;
use crate::tasks::task::Exit;
use crate::tasks::yielding;
use crate::values::failure::failure;

/// Node's own exit code for flags that it does not take.
const INVALID_ARGUMENT: i32 = 9;
const REFUSED_FLAGS: &str =
    "Node has refused the flags of a child (exit code 9; its standard error says which): see execArgv";
/// By these V8 ends a process that cannot go on: SIGILL, SIGTRAP, SIGABRT.
const FATAL: [i32; 3] = [4, 5, 6];

impl Supervisor {
    /// What may have ended the child: what it was loading, or had loaded for a task that has not begun.
    fn blame(&self) -> Option<Blame> {
        let mut loaded = self.loading.into_iter().chain(self.untried.iter().rev().copied());
        let needs = match self.origin {
            None => loaded.next(),
            Some(None) => None,
            Some(Some(origin)) => loaded.find(|needs| functions::same_module(origin)(*needs)),
        }?;
        Some(Blame { needs, covers: functions::same_module(needs) })
    }

    /// What a child that has died has not begun waits again. Where there are no marks, that is what it has
    /// not read. If it has begun nothing of what it had, the functions that it has loaded may have ended it,
    /// but for one that it has not read.
    fn take_back_unbegun(&mut self) {
        // What is behind what it has begun waits again; the rest it holds.
        self.bring_back();
        let held: Vec<_> = self.held.values().map(|held| (held.task.clone(), held.mark)).collect();
        for (task, mark) in held {
            let is_unbegun = mark.is_some_and(|mark| self.link.marked.is_uncalled(mark));
            // One that goes back too often is lost as this child is.
            if is_unbegun && may_return(&task) {
                self.give_back(task.id());
            }
        }
        if let Some((sent, last)) = self.last.take()
            && self.receiver.has_left_unread()
            && sent == self.link.channel.sent()
        {
            match last {
                Last::Task(number) => self.give_back(number),
                Last::Load => self.loading = None,
            }
        }
        if !self.held.is_empty() {
            self.untried.clear();
        }
    }

    /// The child has ended, or cannot be ended.
    pub(crate) fn close(mut self, exit: Option<process::Exit>) {
        self.registered = None;
        self.link.sharing.got.clear();
        let read_there = std::mem::take(&mut *self.link.nested.lock());
        read_there.values().for_each(yielding::abandon);
        let how = exit.map(|exit| match exit {
            process::Exit::Code(code) => Exit::Code(code),
            process::Exit::Signal(signal) => Exit::Signal(signal),
        });
        if self.is_near_heap_limit && matches!(how, Some(Exit::Signal(signal)) if FATAL.contains(&signal)) {
            let message = "the child has reached the limit of its JavaScript heap";
            self.cause.get_or_insert_with(|| failure("Error", "ERR_WORKER_OUT_OF_MEMORY", message));
        }
        self.take_back_unbegun();
        let blame = self.blame();
        let was_told = self.is_killed || (self.is_leaving && !self.has_closed);
        match self.worker.take() {
            // One that was killed was told to end, as was one that leaves.
            Some(worker) => match blame.filter(|_| !was_told) {
                Some(blame) => worker.detach_blaming(&blame, how, self.cause),
                None => worker.detach(how, self.cause),
            },
            None if self.has_failed || self.link.is_unwanted.load(Ordering::Acquire) => {}
            None => {
                let what = match how {
                    Some(Exit::Code(INVALID_ARGUMENT)) => REFUSED_FLAGS.to_owned(),
                    _ if self.is_killed => "a child did not start in time".to_owned(),
                    Some(Exit::Code(code)) => {
                        format!("a child ended with exit code {code} before it was ready")
                    }
                    Some(Exit::Signal(signal)) => {
                        format!("signal {signal} ended a child before it was ready")
                    }
                    _ => "a child ended before it was ready".to_owned(),
                };
                let cause = self.cause.unwrap_or_else(|| failure("Error", "", &what));
                let failure = match how {
                    Some(Exit::Code(INVALID_ARGUMENT)) => StartFailure::Fatal,
                    _ if self.is_killed => StartFailure::Late,
                    _ => StartFailure::Died,
                };
                self.entry.pool.start_failed_as(Kind::Process, Some(cause), failure, Some(self.start));
            }
        }
    }
}
