//! Which tasks are sent ahead to a child, so that it need not wait for the way between one and the next:
//! those of a child whose tasks are short. When one turns out long, what lies behind it is brought back.

use std::sync::Arc;
use std::time::Instant;

use pool::{Failure, Outcome};
use process::Marks;

use crate::process::marked::Taken;
use crate::process::message::to_child;
use crate::process::outcome::has_ended_by_itself;
use crate::process::pace::AHEAD;
use crate::process::supervisor::{Supervisor, length_of, write_run, write_work};
use crate::tasks::task::{JsTask, JsWork};
use crate::values::value::Packed;
use crate::values::wire::Writer;
use crate::values::wire_reader::Malformed;

/// About so many bytes are sent ahead at once.
const MOST_BYTES: usize = 256 << 10;
/// So many tasks a child may decline to begin until it ends one: more than it ever has.
const MOST_PASSED_OVER: usize = 4 * Marks::COUNT;

impl Supervisor {
    pub(super) fn room_ahead(&self) -> usize {
        let config = self.entry.pool.config();
        // What is looked at after each task wants the child to be free then.
        let one_by_one = config.max_tasks_per_worker.is_some() || self.most_memory.is_some();
        // A stream may keep the child at any time. And behind much that is still to be written a stop would
        // come late.
        if config.tasks_per_worker > 1 || one_by_one || self.holds_stream() || self.link.channel.queued() > 0
        {
            return 0;
        }
        self.pace.room()
    }

    pub(super) fn send_ahead(&mut self, tasks: Vec<Arc<JsTask>>) {
        if tasks.is_empty() {
            return;
        }
        let mut frames = Vec::with_capacity(tasks.len());
        let mut bytes = 0;
        for task in tasks {
            if bytes > MOST_BYTES {
                self.entry.pool.bring_back(&task);
                continue;
            }
            self.define_plugin(&task);
            match self.link.marked.write(&task, write_work) {
                Some(Ok((work, mark))) => {
                    if let Err(error) = self.link.send_all_shared(&work) {
                        self.refuse_ahead(mark, error);
                        continue;
                    }
                    let mut writer = Writer::default();
                    write_run(&self.link, &mut writer, &task, work, Some(mark));
                    let frame = writer.finish();
                    bytes += length_of(&frame);
                    frames.push((to_child::RUN_AHEAD, frame));
                }
                Some(Err(error)) => {
                    if let Some(worker) = &self.worker {
                        worker.finish(&task, Err(Failure::Threw(error)));
                    }
                }
                // Somebody has brought it back.
                None => {}
            }
        }
        self.is_ahead = true;
        // Where they cannot be sent the child is gone, and its end brings them back.
        self.link.channel.send_all(frames);
    }

    /// What has this mark is not sent: one of its values has no room.
    fn refuse_ahead(&self, mark: u32, error: Arc<Packed>) {
        // Unless somebody has brought it back.
        if let (Taken::Now(task, _), Some(worker)) = (self.link.marked.take(mark), &self.worker) {
            worker.finish(&task, Err(Failure::Threw(error)));
        }
    }

    /// The child begins a task that was sent ahead to it.
    pub(super) fn note_begun(&mut self, task: &Arc<JsTask>) {
        if let Some(held) = self.link.marked.find(task.id()) {
            self.hold(held);
        }
    }

    /// The child has begun tasks of which the pool has learned otherwise than by the end of the task before.
    pub(super) fn hold_begun(&mut self) {
        loop {
            let held = &self.held;
            let is_known = |task: &Arc<JsTask>| held.contains_key(&task.id());
            let Some(found) = self.link.marked.take_early(is_known) else { return };
            self.hold(found);
        }
    }

    /// When what was sent ahead has waited for too long.
    pub(super) fn ahead_end(&self) -> Option<Instant> {
        self.pace.since.filter(|_| self.is_ahead).map(|since| since + AHEAD)
    }

    /// A task has come out so.
    pub(super) fn note_end(&mut self, outcome: &Outcome<JsWork>) {
        if has_ended_by_itself(outcome) { self.pace.end() } else { self.bring_back() }
    }

    /// The child has said nothing for a while.
    pub(super) fn look_at_ahead(&mut self) {
        if self.ahead_end().is_some_and(|end| Instant::now() >= end) {
            self.bring_back();
        }
    }

    /// Takes back what was sent ahead and has not begun.
    pub(super) fn bring_back(&mut self) {
        self.pace.reset();
        if std::mem::take(&mut self.is_ahead)
            && let Some(worker) = &self.worker
        {
            worker.bring_back();
        }
        self.hold_begun();
    }

    /// The child does not begin what it was sent under this mark.
    pub(super) fn take_passed_over(&mut self, mark: u32) -> Result<(), Malformed> {
        match self.link.marked.take(mark) {
            Taken::Before => {}
            Taken::Now(task, work) => {
                self.pace.reset();
                self.pace.passed_over += 1;
                if self.pace.passed_over > MOST_PASSED_OVER {
                    return Err(Malformed);
                }
                self.held.remove(&task.id());
                if let Some(worker) = &self.worker {
                    worker.return_unbegun(&task, JsWork::Written(work));
                }
                if self.held.is_empty() {
                    self.work(None);
                }
            }
            Taken::Begun => return Err(Malformed),
        }
        Ok(())
    }
}
