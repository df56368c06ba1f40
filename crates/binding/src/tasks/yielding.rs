//! The values of a stream on their way, and a stream that goes on: what `stream` has to do with its task.

use std::sync::Arc;

use crate::doorbell::coalesce;
use crate::tasks::pools;
use crate::tasks::stream::Stream;
use crate::tasks::task::{self, JsMailbox, JsTask, Note};
use crate::values::value::{FORM_YIELDED, Packed};

/// The task, if it is a stream.
pub(crate) fn of(task: &Arc<JsTask>) -> Option<(&Arc<JsTask>, &Stream)> {
    task.owner().stream.as_deref().map(|stream| (task, stream))
}

/// Sends a value that the stream has made. For how many more there is room.
pub(crate) fn send(task: &Arc<JsTask>, stream: &Stream, value: Packed) -> u64 {
    let is_first = task::keep_progress(task, [value]);
    if is_first || coalesce::is_on() {
        coalesce::ring(stream.telling(|| {
            let task = Arc::downgrade(task);
            Box::new(move || {
                if let Some(task) = task.upgrade() {
                    task::tell_of_progress(&task);
                }
            })
        }));
    }
    stream.note_made()
}

/// The reader of the task has gone: nobody would ever have it go on, or end. Does nothing for one that is no
/// stream.
pub(crate) fn abandon(task: &Arc<JsTask>) {
    if let Some((task, stream)) = of(task)
        && let Some(entry) = pools::find(task.owner().pool)
    {
        stream.leave(&task.owner().has_looked);
        entry.pool.cancel(task, true);
    }
}

/// The stream stands still, if there is no room, and calls the isolate of this mailbox once there is. False
/// if there is.
pub(crate) fn stand_still(task: &Arc<JsTask>, stream: &Stream, mailbox: &Arc<JsMailbox>) -> bool {
    let (weak, mailbox) = (Arc::downgrade(task), mailbox.clone());
    let call = Arc::new(move |_| {
        if let Some(task) = weak.upgrade() {
            mailbox.post(Note::GoOn(task));
        }
    });
    stream.stand_still(&task.owner().has_looked, call)
}

/// Values, and other progress, have come of a stream that is made elsewhere.
pub(crate) fn note_come(task: &Arc<JsTask>, values: &[Packed]) {
    if let Some((_, stream)) = of(task) {
        stream.note_come(values.iter().filter(|value| value.form & FORM_YIELDED != 0).count());
    }
}

/// Why a wait for the end of this task by the thread that reads it could never end, if it could not: the
/// stream stands still until that thread reads on.
pub(crate) fn refuse_wait(task: &Arc<JsTask>) -> Result<(), &'static str> {
    let stands = |stream: &Stream| {
        let entry = pools::find(task.owner().pool);
        stream.is_out_of_room() && entry.is_some_and(|entry| entry.pool.stands_still(task))
    };
    if of(task).is_some_and(|(_, stream)| stands(stream)) {
        return Err("the stream stands still until the thread that waits for its end reads on: \
             neither could ever go on");
    }
    Ok(())
}

/// The stream goes on, if it stands still. Says whether it did.
pub(crate) fn go_on(task: &JsTask) -> bool {
    let owner = task.owner();
    let stream = owner.stream.as_ref();
    stream.is_some_and(|stream| stream.go_on(&owner.has_looked, task.is_cancel_requested()))
}
