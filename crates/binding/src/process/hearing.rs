//! What a supervisor does with what its child says.

use std::sync::Arc;
use std::time::Instant;

use pool::{Failure, Kind};

use crate::process::child_link::{Concern, RECOVERY_LIMIT, STOPPED_LIMIT};
use crate::process::marked::Held;
use crate::process::message::{self, NATIVE, to_parent};
use crate::process::nested::read_progress;
use crate::process::outcome::read_outcome;
use crate::process::requests;
use crate::process::supervisor::{LEAVE_LIMIT, START_LIMIT, Supervisor};
use crate::process::view::Look;
use crate::tasks::pool_event::PoolEvent;
use crate::tasks::pools::Stray;
use crate::tasks::task;
use crate::tasks::yielding;
use crate::values::wire_reader::{Malformed, Reader};

impl Supervisor {
    /// Takes a message of the child's. What cannot be read is a breach.
    pub(super) fn take(&mut self, kind: u8, body: Vec<u8>) -> Result<(), Malformed> {
        Reader::read_all(body, |reader| self.take_from(kind, reader))
    }

    /// The same, of which only the beginning is here.
    pub(super) fn take_cut(&mut self, kind: u8, head: &[u8]) -> Result<(), Malformed> {
        self.take_from(kind, &mut Reader::of_part(head, true))
    }

    fn take_from(&mut self, kind: u8, reader: &mut Reader<'_>) -> Result<(), Malformed> {
        match kind {
            to_parent::READY => {
                if reader.bool()? {
                    self.link.marked.note_shared();
                }
                self.begin();
            }
            to_parent::START_FAILED => {
                let how = message::start_failure(reader.u8()?);
                let cause = reader.option(Reader::error)?;
                if self.worker.is_none() && !std::mem::replace(&mut self.has_failed, true) {
                    self.entry.pool.start_failed_as(Kind::Process, cause, how, Some(self.start));
                    self.end = Instant::now() + LEAVE_LIMIT;
                }
            }
            to_parent::LOADED => {
                let function = reader.u32()?;
                if function & NATIVE != 0 {
                    self.note_free(function & !NATIVE);
                } else if self.loading == Some(function) {
                    self.loading = None;
                    self.untried.push(function);
                    self.work(None);
                }
            }
            to_parent::DONE => {
                let number = reader.u64()?;
                let outcome = read_outcome(reader)?;
                if matches!(outcome, Err(Failure::Lost { .. })) {
                    // It has given its thread up: what it runs is lost with it, and its end says how.
                    self.have_it_end();
                } else if let Some(held) = self.take_held(number) {
                    if matches!(outcome, Err(Failure::TimedOut { .. })) {
                        self.entry.note_interrupt(&held.task, self.link.pid);
                    }
                    self.untried.clear();
                    self.note_end(&outcome);
                    self.look_at_memory();
                    // The shared values that it names are free before anybody hears of its end.
                    let Held { task, work, .. } = held;
                    drop(work);
                    self.settle(task, outcome);
                }
            }
            to_parent::EARLY => self.take_early(reader)?,
            to_parent::LET_GO => {
                self.untried.clear();
                self.bring_back();
                if let Some(held) = self.take_held(reader.u64()?) {
                    self.settle(held.task, Err(Failure::Cancelled));
                }
            }
            to_parent::PROGRESS => {
                let (number, values) = read_progress(reader)?;
                if let Some(task) = self.task(number) {
                    yielding::note_come(&task, &values);
                    task::report_all(&task, values);
                }
            }
            to_parent::REQUEST => requests::answer(self, reader)?,
            to_parent::STAND | to_parent::GO_ON | to_parent::ROOM | to_parent::READING | to_parent::READ => {
                self.take_of_stream(kind, reader)?;
            }
            _ => return self.take_news(kind, reader),
        }
        Ok(())
    }

    /// The child has failed a task whose time was over, by its own clock, and is not free of it.
    fn take_early(&mut self, reader: &mut Reader<'_>) -> Result<(), Malformed> {
        self.untried.clear();
        self.bring_back();
        let task = self.task(reader.u64()?);
        if let (Some(task), Err(Failure::TimedOut { limit, trace })) = (task, read_outcome(reader)?) {
            self.entry.note_interrupt(&task, self.link.pid);
            self.entry.pool.time_out_by(&task, limit, trace);
            let until = Instant::now() + self.link.grace.min(START_LIMIT) + STOPPED_LIMIT;
            self.concerns.push((task, Concern::Stopped, until));
        }
        Ok(())
    }

    /// A message that is of none of its tasks alone.
    fn take_news(&mut self, kind: u8, reader: &mut Reader<'_>) -> Result<(), Malformed> {
        match kind {
            to_parent::WAITS => {
                let (task, waits) = (self.task(reader.u64()?), reader.bool()?);
                if let Some(task) = task {
                    self.entry.pool.note_waits(&task, waits);
                }
            }
            to_parent::SUSPEND => {
                if let Some(worker) = &self.worker {
                    worker.suspend_claiming();
                }
                self.work(None);
            }
            to_parent::RESUME => {
                if let Some(worker) = &self.worker {
                    worker.resume_claiming();
                }
            }
            to_parent::CAUSE => self.cause = Some(reader.error()?),
            to_parent::ORIGIN => {
                let origin = reader.option(Reader::u32)?;
                self.origin.get_or_insert(origin);
            }
            to_parent::NEAR_HEAP_LIMIT => self.is_near_heap_limit = true,
            to_parent::HANDLED => (self.origin, self.cause) = (None, None),
            to_parent::STRAY => {
                let task = reader.label()?;
                let error = Arc::into_inner(reader.error()?).ok_or(Malformed)?;
                self.entry.strays.lock().push(Stray { task, error });
                self.entry.tell_owner(PoolEvent::Strays, 0.0);
                if let Some(worker) = &self.worker {
                    self.entry.pool.note_death(worker.id());
                }
                self.retire();
            }
            to_parent::UNSHARE => self.link.sharing.forget(reader)?,
            to_parent::UNKEPT => {
                self.link.sharing.end(reader.u64()?);
            }
            to_parent::RETIRE => self.retire(),
            to_parent::PAUSED => {
                self.is_paused = reader.bool()?;
                self.recovers_until =
                    self.recovers_until.map(|until| until.max(Instant::now() + RECOVERY_LIMIT));
            }
            to_parent::GIVE_UP => self.have_it_end(),
            to_parent::RECOVERING => {
                // The first of them counts: a child may say it again and again.
                let until = Instant::now() + self.link.grace.min(START_LIMIT) + RECOVERY_LIMIT;
                self.recovers_until.get_or_insert(until);
            }
            to_parent::RECOVERED => {
                self.recovers_until = None;
                self.work(None);
            }
            to_parent::GIVE_BACK => {
                self.await_end_within(LEAVE_LIMIT);
                for _ in 0..reader.u32()? {
                    self.give_back(reader.u64()?);
                }
            }
            to_parent::PASSED_OVER => self.take_passed_over(reader.u32()?)?,
            to_parent::LOOKED => {
                let number = reader.u32()?;
                self.link.note_look(number, Look::read(reader)?);
            }
            _ => return Err(Malformed),
        }
        Ok(())
    }
}
