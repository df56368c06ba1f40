//! What a child does with what the pool's process says.

use std::sync::Arc;

use pool::{Kind, Spec};
use task::host::Library;

use crate::native::plugins;
use crate::process::answer::Answer;
use crate::process::given::{Given, Loading, QueueAhead};
use crate::process::message::{NATIVE, Run, time_until, to_child, to_parent};
use crate::process::nested::read_progress;
use crate::process::outcome::read_outcome;
use crate::process::parent::{Parent, end_with_group};
use crate::tasks::functions::FunctionUse;
use crate::tasks::stream::Stream;
use crate::tasks::task::{Destination, JsTask, JsWork, Ticket, report_all};
use crate::values::text::Text;
use crate::values::wire_reader::{Malformed, Reader};

impl Parent {
    pub(super) fn take(&self, kind: u8, body: Vec<u8>) -> Result<(), Malformed> {
        Reader::read_all(body, |reader| self.take_from(kind, reader))
    }

    /// The same, of which only the beginning is here.
    pub(super) fn take_cut(&self, kind: u8, head: &[u8]) -> Result<(), Malformed> {
        self.take_from(kind, &mut Reader::of_part(head, true))
    }

    fn take_from(&self, kind: u8, reader: &mut Reader<'_>) -> Result<(), Malformed> {
        match kind {
            to_child::DEFINE => {
                let (number, text, name) = (reader.u32()?, reader.str()?, reader.str()?);
                self.functions.lock().insert(number, FunctionUse::of(text, name));
            }
            to_child::LOAD => {
                let function = reader.u32()?;
                let loading = Loading { outbox: self.outbox.clone(), function };
                // Of no function: whether the thread is free is all that is asked.
                let needs = if function & NATIVE != 0 { 0 } else { self.local_function(function)? };
                let ticket = self.ticket(Destination::Elsewhere(Box::new(loading)), None);
                let task =
                    self.submit_here(Spec { needs, ..Spec::new(Kind::Isolate, JsWork::Load, ticket) })?;
                if needs != 0 {
                    let mut loads = self.loads.lock();
                    loads.retain(|_, task| !task.state().is_settled());
                    loads.insert(function, task);
                }
            }
            to_child::RUN => {
                self.give(Run::read(reader, &self.sharing.got)?)?;
            }
            to_child::RUN_AHEAD => {
                let run = Run::read(reader, &self.sharing.got)?;
                let mark = run.mark.ok_or(Malformed)?;
                self.ahead.lock().push_back((mark, run));
                self.begin_next();
            }
            to_child::DEFINE_PLUGIN => {
                let (first, count, path) = (reader.u32()?, reader.u32()?, reader.str()?);
                let local = self.load_plugin(path);
                self.plugins.lock().push((first..first.checked_add(count).ok_or(Malformed)?, local));
            }
            to_child::FORGO => {
                let task = self.loads.lock().remove(&reader.u32()?);
                if let Some(task) = task {
                    self.local.pool.cancel(&task, false);
                }
            }
            to_child::STOP => {
                let number = reader.u64()?;
                let (is_left, reason) = (reader.bool()?, reader.reason()?);
                if self.pass_over_task(number) {
                    self.begin_next();
                    return Ok(());
                }
                let task = self.outbox.tasks.lock().get(&number).cloned();
                if let Some(task) = task {
                    if let Some(reason) = reason {
                        let _ = task.owner().stop_reason.set(Box::new(reason));
                    }
                    if let Some(stream) = task.owner().stream.as_ref().filter(|_| is_left) {
                        stream.leave(&task.owner().has_looked);
                    }
                    self.local.pool.cancel(&task, true);
                }
            }
            to_child::ROOM | to_child::HELD | to_child::LET_GO => self.take_of_stream(kind, reader)?,
            _ => return self.take_news(kind, reader),
        }
        Ok(())
    }

    /// A message that is about none of the tasks that this child is given.
    fn take_news(&self, kind: u8, reader: &mut Reader<'_>) -> Result<(), Malformed> {
        match kind {
            to_child::SHARE => {
                let (number, is_here) = self.sharing.take(reader)?;
                if !is_here {
                    self.tell(to_parent::UNKEPT, |writer| writer.u64(number));
                }
            }
            to_child::UNSHARE => self.sharing.forget(reader)?,
            to_child::LEAVE => self.local.pool.shutdown(false),
            to_child::END => {
                self.give_back(None);
                self.flush();
                end_with_group();
            }
            to_child::BEGUN => {
                let task = self.mirrored.lock().get(&reader.u64()?).cloned();
                if let Some(task) = task {
                    drop(self.mirror_worker.lock().claim_task(&task));
                }
            }
            to_child::PROGRESS => {
                let (number, values) = read_progress(reader)?;
                let task = self.mirrored.lock().get(&number).cloned();
                if let Some(task) = task {
                    report_all(&task, values);
                }
            }
            to_child::SETTLED => {
                let task = self.mirrored.lock().remove(&reader.u64()?);
                let outcome = read_outcome(reader)?;
                if let Some(task) = task {
                    let worker = self.mirror_worker.lock();
                    drop(worker.claim_task(&task));
                    worker.finish(&task, outcome);
                }
            }
            to_child::ANSWER => {
                let number = reader.u32()?;
                let answer = Answer::new(reader);
                if let Some(waiting) = self.answers.lock().waiting.get_mut(&number) {
                    *waiting = Some(answer);
                }
                self.answered.notify_all();
            }
            to_child::LOOK => {
                let number = reader.u32()?;
                let look = self.looker.get().map(|look| look()).unwrap_or_default();
                self.tell(to_parent::LOOKED, |writer| {
                    writer.u32(number);
                    look.write(writer);
                });
            }
            _ => return Err(Malformed),
        }
        Ok(())
    }

    /// Loads a plug-in, whose first task has the number that is returned; or one that says why there is none.
    fn load_plugin(&self, path: &str) -> u32 {
        if !self.hello.may_load_native {
            return plugins::REFUSED;
        }
        // SAFETY: who has made the pool has loaded the library there, or a task has here, and with it has
        // promised what docs/plugins.md asks of one.
        match unsafe { Library::load(path) } {
            Ok(library) => plugins::number_of(library, path),
            Err(_) => plugins::UNLOADABLE,
        }
    }

    fn local_kernel(&self, number: u32) -> u32 {
        let plugins = self.plugins.lock();
        let found = plugins.iter().rev().find(|(numbers, _)| numbers.contains(&number));
        match found {
            Some((_, local)) if *local >= plugins::UNLOADABLE => *local,
            Some((numbers, local)) => local + (number - numbers.start),
            None => number,
        }
    }

    fn local_function(&self, number: u32) -> Result<u32, Malformed> {
        self.functions.lock().get(&number).map(FunctionUse::number).ok_or(Malformed)
    }

    fn ticket(&self, destination: Destination, name: Option<Text>) -> Ticket {
        Ticket::new(destination, self.local.id, 0, name)
    }

    fn submit_here(&self, spec: Spec<JsWork>) -> Result<Arc<JsTask>, Malformed> {
        // It is refused only after `LEAVE`, which is the last message, or where the system refuses the thread
        // that watches the clock: without it this process is of no use.
        self.local.pool.submit(spec).map_err(|_| Malformed)
    }

    /// Does not begin this task, if it was sent ahead and has not begun. One that begins just now is among
    /// the tasks of this child when this returns.
    fn pass_over_task(&self, number: u64) -> bool {
        let passed = {
            let mut ahead = self.ahead.lock();
            let at = ahead.iter().position(|(_, run)| run.id == number);
            at.and_then(|at| ahead.remove(at))
        };
        if let Some((mark, _)) = &passed {
            self.pass_over(*mark);
        }
        passed.is_some()
    }

    fn pass_over(&self, mark: u32) {
        self.tell(to_parent::PASSED_OVER, |writer| writer.u32(mark));
    }

    /// This child is to run a task: it is one of the local pool from now on.
    fn give(&self, mut run: Run) -> Result<Arc<JsTask>, Malformed> {
        if run.needs & NATIVE == 0 {
            let needs = self.local_function(run.needs)?;
            return self.give_as(run, needs);
        }
        let kernel = self.local_kernel(run.needs & !NATIVE);
        if let JsWork::Native { kernel: own, .. } | JsWork::NativeChunk { kernel: own, .. } = &mut run.work {
            *own = kernel;
        }
        self.give_as(run, kernel)
    }

    /// The same, where it is known which function that is here.
    pub(crate) fn give_as(&self, run: Run, needs: u32) -> Result<Arc<JsTask>, Malformed> {
        let is_native = run.needs & NATIVE != 0;
        let given = Given::new(self.outbox.clone(), self.local.pool.clone(), run.id, run.mark, run.has_key);
        let stream = run.room.map(|room| Stream::new(0, room));
        let ticket = Ticket { stream, ..self.ticket(Destination::Elsewhere(Box::new(given)), run.name) };
        let kind = if is_native { Kind::Native } else { Kind::Isolate };
        let total_timeout = run.total_end.map(time_until);
        let spec = Spec { timeout: run.timeout, total_timeout, needs, ..Spec::new(kind, run.work, ticket) };
        // It may have settled before it is there: `settled` takes it out, and has to find it.
        let mut tasks = self.outbox.tasks.lock();
        let task = self.submit_here(spec)?;
        tasks.insert(run.id, task.clone());
        Ok(task)
    }
}

impl QueueAhead for Parent {
    fn begin_next(&self) {
        if self.outbox.channel.queued() > 0 {
            // What is not written yet would be lost with a task that ends this process.
            return self.pass_all_over();
        }
        let mut ahead = self.ahead.lock();
        while !ahead.is_empty() && self.outbox.is_free() {
            let Some((mark, run)) = ahead.pop_front() else { return };
            let is_ours = self.outbox.marks.as_ref().is_some_and(|marks| marks.begin(mark as usize));
            if !is_ours {
                self.pass_over(mark);
            } else if self.give(run).is_err() {
                // As where it is read in its turn.
                end_with_group();
            }
        }
    }

    fn pass_all_over(&self) {
        let passed = std::mem::take(&mut *self.ahead.lock());
        passed.into_iter().for_each(|(mark, _)| self.pass_over(mark));
    }
}
