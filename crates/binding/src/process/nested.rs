//! A task that a child has submitted: what becomes of it is told to the child.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::Mutex;
use process::{Channel, Part};

use crate::process::child_link::ChildLink;
use crate::process::message::to_child;
use crate::process::outcome::{has_ended_by_itself, write_outcome};
use crate::tasks::functions::FunctionUse;
use crate::tasks::pools;
use crate::tasks::task::{Elsewhere, JsTask};
use crate::values::value::Packed;
use crate::values::wire::Writer;
use crate::values::wire_reader::{Malformed, Reader};

pub(crate) struct Nested {
    pub(crate) link: Arc<ChildLink>,
    /// The child's number of it.
    pub(crate) reference: u64,
    /// Keeps its function known; none of a native task.
    _function: Option<FunctionUse>,
    /// Of a stream: whether its worker has let it go.
    is_free: Mutex<bool>,
}

impl Nested {
    pub(crate) fn new(link: Arc<ChildLink>, reference: u64, function: Option<FunctionUse>) -> Nested {
        Nested { link, reference, _function: function, is_free: Mutex::new(false) }
    }

    fn send_reference(&self, kind: u8) {
        let mut writer = Writer::default();
        writer.u64(self.reference);
        self.link.channel.send(kind, writer.finish());
    }
}

/// So many bytes are about a message.
const MOST_BYTES: usize = 64 << 10;

/// Sends the progress of a task that was not told yet, but for values that cannot cross.
pub(crate) fn send_progress(channel: &Channel, kind: u8, number: u64, task: &Arc<JsTask>) {
    let _sending = task.owner().stream.as_ref().map(|stream| stream.sending.lock());
    let mut values = take_progress(task).into_iter();
    loop {
        let (mut body, mut count, mut bytes) = (Writer::default(), 0, 0);
        for packed in values.by_ref() {
            bytes += 16 + packed.value.weight();
            let mut one = Writer::default();
            if one.packed(packed).is_ok() {
                body.append(one);
                count += 1;
            }
            if bytes > MOST_BYTES {
                break;
            }
        }
        if count == 0 {
            return;
        }
        let mut writer = Writer::default();
        writer.u64(number);
        writer.u32(count);
        writer.append(body);
        channel.send(kind, writer.finish());
    }
}

/// Takes progress that was sent so: of which task, and the values.
pub(super) fn read_progress(reader: &mut Reader<'_>) -> Result<(u64, Vec<Packed>), Malformed> {
    let (number, count) = (reader.u64()?, reader.u32()?);
    let values = (0..count).map(|_| reader.packed()).collect::<Result<_, _>>()?;
    Ok((number, values))
}

/// A message about a task, with how it has come out; and whether it has by itself, returning or throwing.
pub(crate) fn outcome_parts(number: u64, task: &Arc<JsTask>) -> (Vec<Part>, bool) {
    let begin = || {
        let mut writer = Writer::default();
        writer.u64(number);
        writer
    };
    let mut writer = begin();
    let outcome = task.take_outcome().unwrap_or(Err(pool::Failure::Cancelled));
    let by_itself = has_ended_by_itself(&outcome);
    if let Err(why) = write_outcome(&mut writer, outcome) {
        writer = begin();
        let _ = write_outcome(&mut writer, Err(pool::Failure::Threw(why.error("the result"))));
    }
    (writer.finish(), by_itself)
}

/// The progress of a task that was not told yet.
fn take_progress(task: &Arc<JsTask>) -> Vec<Packed> {
    if !task.owner().has_progress.load(Ordering::Acquire) {
        return Vec::new();
    }
    task.owner().progress.lock().take().map(|all| *all).unwrap_or_default()
}

impl Elsewhere for Nested {
    fn begun(&self, _task: &Arc<JsTask>) {
        self.send_reference(to_child::BEGUN);
    }

    fn progressed(&self, task: &Arc<JsTask>) {
        send_progress(&self.link.channel, to_child::PROGRESS, self.reference, task);
    }

    fn settled(&self, task: &Arc<JsTask>) {
        self.progressed(task);
        let forgotten = self.link.nested.lock().remove(&self.reference);
        if task.owner().stream.is_some() {
            // Under the lock: that it is let go is said later.
            let is_free = self.is_free.lock();
            let entry = pools::find(task.owner().pool).filter(|_| !*is_free);
            if entry.is_some_and(|entry| entry.pool.is_held(task)) {
                self.send_reference(to_child::HELD);
            }
        }
        self.link.channel.send(to_child::SETTLED, outcome_parts(self.reference, task).0);
        drop(forgotten);
    }

    fn let_go(&self, task: &Arc<JsTask>) {
        if task.owner().stream.is_some() {
            *self.is_free.lock() = true;
            self.send_reference(to_child::LET_GO);
        }
    }

    fn place(&self) -> *const () {
        self.link.place()
    }
}
