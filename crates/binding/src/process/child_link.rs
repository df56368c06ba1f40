//! A child as other threads of the pool's process see it, the pool among them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use pool::{Task, WorkerLink};
use process::{Channel, Child, Killer};

use crate::process::marked::Marked;
use crate::process::message::to_child;
use crate::process::sharing::{self, Sharing};
use crate::process::view::Look;
use crate::tasks::pools;
use crate::tasks::task::{Destination, JsTask, JsWork};
use crate::tasks::written_work::WrittenWork;
use crate::values::shared_use::SharedUse;
use crate::values::shared_value::{self, SharedReader};
use crate::values::value::Packed;
use crate::values::wire::{Unsendable, Writer};

/// What a supervisor has to see to in time.
pub(crate) enum Concern {
    /// The task was stopped: the child has to let it go.
    Stopped,
    /// Its run time is over: the child says so, and where it was.
    Overdue,
}

/// How long the child has for that.
pub(crate) const OVERDUE_LIMIT: Duration = Duration::from_millis(150);
/// How long it may recover from a stop, beyond `interruptGrace`: it gives itself up before.
pub(crate) const RECOVERY_LIMIT: Duration = Duration::from_secs(5);
/// Beyond `interruptGrace`.
pub(crate) const STOPPED_LIMIT: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Looks {
    asked: u32,
    answered: u32,
    last: Look,
}

/// One child.
pub(crate) struct ChildLink {
    pub(crate) pid: u32,
    pub(crate) channel: Channel,
    pub(crate) killer: Killer,
    pub(crate) grace: Duration,
    /// Whether it takes tasks.
    pub(crate) is_ready: AtomicBool,
    /// Whether the pool has taken its start back.
    pub(crate) is_unwanted: AtomicBool,
    /// What the supervisor was told and has not taken.
    concerns: Mutex<Vec<(Arc<JsTask>, Concern, Instant)>>,
    /// The tasks that the child has submitted, by its numbers of them, until they settle.
    pub(crate) nested: Mutex<HashMap<u64, Arc<JsTask>>>,
    looks: Mutex<Looks>,
    looked: Condvar,
    pub(crate) marked: Marked,
    pub(crate) sharing: Sharing,
}

impl ChildLink {
    pub(crate) fn new(child: &Child, channel: Channel, grace: Duration) -> Arc<ChildLink> {
        Arc::new(ChildLink {
            pid: child.pid(),
            channel,
            killer: child.killer(),
            grace,
            is_ready: AtomicBool::new(false),
            is_unwanted: AtomicBool::new(false),
            concerns: Mutex::default(),
            nested: Mutex::default(),
            looks: Mutex::default(),
            looked: Condvar::new(),
            marked: Marked::new(child.marks()),
            sharing: Sharing::default(),
        })
    }

    /// By which tasks say who has submitted them.
    pub(crate) fn place(&self) -> *const () {
        std::ptr::from_ref(self).cast()
    }

    /// The child is about to get this task: if it is a stream, it is told of the room that its reader makes.
    /// The task outlives the child, which it must not keep: what the child was sent goes with the link.
    pub(super) fn forward_room(self: &Arc<Self>, task: &JsTask) {
        let Some(stream) = &task.owner().stream else { return };
        let (link, number) = (Arc::downgrade(self), task.id());
        stream.forward(Arc::new(move |allowed| {
            let Some(link) = link.upgrade() else { return };
            let mut writer = Writer::default();
            write_room(&mut writer, number, allowed);
            link.channel.send(to_child::ROOM, writer.finish());
        }));
    }

    fn note_interrupt(&self, task: &Arc<JsTask>) {
        if let Some(entry) = pools::find(task.owner().pool) {
            entry.note_interrupt(task, self.pid);
        }
    }

    fn concern(&self, task: &Arc<JsTask>, concern: Concern, limit: Duration) {
        let until = Instant::now() + limit;
        self.concerns.lock().push((task.clone(), concern, until));
        self.channel.wake();
    }

    pub(crate) fn take_concerns(&self) -> Vec<(Arc<JsTask>, Concern, Instant)> {
        std::mem::take(&mut *self.concerns.lock())
    }

    /// Where the child's JavaScript is, if it says so in time. Not to be called by the supervisor.
    pub(crate) fn look(&self, deadline: Instant) -> Option<Look> {
        let mut looks = self.looks.lock();
        looks.asked += 1;
        let own = looks.asked;
        let mut writer = Writer::default();
        writer.u32(own);
        self.channel.send(to_child::LOOK, writer.finish());
        while looks.answered < own {
            if self.looked.wait_until(&mut looks, deadline).timed_out() {
                return None;
            }
        }
        Some(looks.last.clone())
    }

    /// The answer to the question of this number.
    pub(crate) fn note_look(&self, number: u32, look: Look) {
        let mut looks = self.looks.lock();
        // A child that is hostile may answer what nobody has asked.
        looks.answered = number.min(looks.asked);
        looks.last = look;
        drop(looks);
        self.looked.notify_all();
    }
}

impl WorkerLink<JsWork> for ChildLink {
    fn wake(&self) {
        self.channel.wake();
    }

    fn thread(&self) -> u32 {
        self.pid
    }

    fn stop(&self, task: &Arc<Task<JsWork>>) {
        self.note_interrupt(task);
        let mut writer = Writer::default();
        writer.u64(task.id());
        writer.bool(task.owner().stream.as_ref().is_some_and(|stream| stream.is_left()));
        writer.packed_if_able(task.owner().stop_reason.get().map(|reason| &**reason));
        self.channel.send(to_child::STOP, writer.finish());
        self.concern(task, Concern::Stopped, self.grace.saturating_add(STOPPED_LIMIT).min(LONGEST));
    }

    fn has_submitted(&self, task: &Task<JsWork>) -> bool {
        matches!(&task.owner().destination, Destination::Elsewhere(there) if there.place() == self.place())
    }

    fn bring_back(&self, task: &Arc<Task<JsWork>>) -> Option<JsWork> {
        let work = self.marked.bring_back(task);
        if work.is_none() {
            // The supervisor has to know of it.
            self.channel.wake();
        }
        work
    }

    fn has_room_ahead(&self) -> bool {
        self.marked.has_room()
    }

    fn send_ahead(&self, task: &Arc<Task<JsWork>>, work: JsWork) {
        self.marked.offer_unwritten(task, work);
    }

    fn expire(&self, task: &Arc<Task<JsWork>>) {
        self.note_interrupt(task);
        self.concern(task, Concern::Overdue, OVERDUE_LIMIT);
    }
}

/// How many values the stream of this number may have made by now.
pub(super) fn write_room(writer: &mut Writer, number: u64, allowed: u64) {
    writer.u64(number);
    writer.u64(allowed);
}

/// Longer than any program runs; an `Instant` can bear it.
const LONGEST: Duration = Duration::from_secs(u32::MAX as u64);

impl ChildLink {
    /// Whether the child takes tasks.
    pub(crate) fn is_ready(&self) -> bool {
        self.is_ready.load(Ordering::Acquire)
    }
}

impl ChildLink {
    /// Sends the child a value that can leave this process, unless it was sent.
    pub(crate) fn send_shared(self: &Arc<Self>, value: &dyn SharedUse) -> Result<(), Unsendable> {
        let number = value.number();
        if !self.sharing.begin(number) {
            return Ok(());
        }
        let Some(value) = shared_value::find(number) else { return Ok(()) };
        let message = sharing::message(&value).inspect_err(|_| {
            self.sharing.end(number);
        })?;
        self.channel.send(to_child::SHARE, message.finish());
        value.add_reader(Arc::downgrade(self) as Weak<dyn SharedReader>);
        Ok(())
    }

    /// The same for what the work of a task names; or the error of that task.
    pub(super) fn send_all_shared(self: &Arc<Self>, work: &WrittenWork) -> Result<(), Arc<Packed>> {
        let sent = work.shared.iter().try_for_each(|value| self.send_shared(&**value));
        sent.map_err(|why| why.error("a shared value"))
    }
}

impl SharedReader for ChildLink {
    fn forget(&self, number: u64) {
        if self.sharing.end(number) {
            let mut writer = Writer::default();
            writer.u64(number);
            self.channel.send(to_child::UNSHARE, writer.finish());
        }
    }
}
