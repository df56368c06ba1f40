//! What a pool's process and a child say to each other: the kinds of messages, and what is in them.

use std::time::{Duration, Instant};

use pool::StartFailure;

use crate::native::chunk::Calls;
use crate::tasks::task::{JsTask, JsWork};
use crate::values::shared_use::SharedSource;
use crate::values::text::Text;
use crate::values::wire::{Unsendable, Writer};
use crate::values::wire_reader::{Malformed, Reader};

/// To the child.
pub(crate) mod to_child {
    /// What it is: a [`Hello`](super::Hello).
    pub(crate) const HELLO: u8 = 1;
    /// The text and the name of the function of this number.
    pub(crate) const DEFINE: u8 = 2;
    /// Load this function; with [`NATIVE`](super::NATIVE) none: say when the thread is free.
    pub(crate) const LOAD: u8 = 3;
    /// Run a task: see [`Run`](super::Run).
    pub(crate) const RUN: u8 = 4;
    /// Stop this task, which is over for everybody else; why, if that is known. Whether it is a stream whose
    /// reader has left, which may end by itself.
    pub(crate) const STOP: u8 = 5;
    /// End once what runs is over.
    pub(crate) const LEAVE: u8 = 6;
    /// A task of the child's has begun, has reported progress, has come out so.
    pub(crate) const BEGUN: u8 = 7;
    pub(crate) const PROGRESS: u8 = 8;
    pub(crate) const SETTLED: u8 = 9;
    /// The answer to a request.
    pub(crate) const ANSWER: u8 = 10;
    /// Say where your JavaScript is.
    pub(crate) const LOOK: u8 = 11;
    /// Where the plug-in is whose tasks have these numbers.
    pub(crate) const DEFINE_PLUGIN: u8 = 12;
    /// Nobody waits for this function to be loaded any more.
    pub(crate) const FORGO: u8 = 13;
    /// End now, whatever runs; what you have not called goes back.
    pub(crate) const END: u8 = 14;
    /// Run a task, see [`Run`](super::Run), once those that were sent before are over and nobody has taken it
    /// back.
    pub(crate) const RUN_AHEAD: u8 = 15;
    /// A stream that you make may have made so many values by now.
    pub(crate) const ROOM: u8 = 16;
    /// A stream of the child's has settled, or will have when that is said, and is held by its worker; and is
    /// not any more.
    pub(crate) const HELD: u8 = 17;
    pub(crate) const LET_GO: u8 = 18;
    /// The shared value of this number; it has gone. See `sharing`.
    pub(crate) const SHARE: u8 = 24;
    pub(crate) const UNSHARE: u8 = 25;
}

/// To the pool's process.
pub(crate) mod to_parent {
    /// The child takes tasks from now on; whether it has marks.
    pub(crate) const READY: u8 = 32;
    /// It never will.
    pub(crate) const START_FAILED: u8 = 33;
    /// The function was loaded, or has failed to.
    pub(crate) const LOADED: u8 = 34;
    /// The task is over, and has come out so.
    pub(crate) const DONE: u8 = 35;
    /// The task has come out so, and the child is not free of it.
    pub(crate) const EARLY: u8 = 36;
    /// It is now.
    pub(crate) const LET_GO: u8 = 37;
    /// The task has reported progress.
    pub(crate) const PROGRESS: u8 = 38;
    /// A request; see [`Request`](super::Request).
    pub(crate) const REQUEST: u8 = 39;
    /// A task begins to wait without blocking, or has waited.
    pub(crate) const SUSPEND: u8 = 40;
    pub(crate) const RESUME: u8 = 41;
    /// A task whose key lives here waits for a future, or goes on.
    pub(crate) const WAITS: u8 = 61;
    /// This error is about to end the child.
    pub(crate) const CAUSE: u8 = 42;
    /// What is about to end the child comes from the loading of this function, or from the initializer.
    pub(crate) const ORIGIN: u8 = 50;
    /// It was handled.
    pub(crate) const HANDLED: u8 = 51;
    /// Its heap has nearly reached its limit.
    pub(crate) const NEAR_HEAP_LIMIT: u8 = 52;
    /// Whether a debugger holds its thread.
    pub(crate) const PAUSED: u8 = 53;
    /// This error was left behind by a task that has ended; the child is to be replaced.
    pub(crate) const STRAY: u8 = 43;
    /// The child is to be replaced once the tasks that it holds are over.
    pub(crate) const RETIRE: u8 = 44;
    /// The child cannot be stopped from within: end it.
    pub(crate) const GIVE_UP: u8 = 45;
    /// Where its JavaScript is.
    pub(crate) const LOOKED: u8 = 46;
    /// It recovers from a stop, and may not succeed: what it is given would be lost. Then, that it has.
    pub(crate) const RECOVERING: u8 = 48;
    pub(crate) const RECOVERED: u8 = 49;
    /// Tasks that it has never called, and never will.
    pub(crate) const GIVE_BACK: u8 = 47;
    /// A stream stands still, or goes on.
    pub(crate) const STAND: u8 = 55;
    pub(crate) const GO_ON: u8 = 56;
    /// A stream that the child reads may have made so many values by now.
    pub(crate) const ROOM: u8 = 57;
    /// A task begins to wait for the next value of a stream that it reads; that wait is over.
    pub(crate) const READING: u8 = 58;
    pub(crate) const READ: u8 = 59;
    /// A task that was sent ahead under this mark was taken back, or is not begun for another reason.
    pub(crate) const PASSED_OVER: u8 = 54;
    /// The shared value of this number, a child's own, is not needed any more.
    pub(crate) const UNSHARE: u8 = 60;
    /// There was no memory for the shared value of this number: whoever needs it again sends it again.
    pub(crate) const UNKEPT: u8 = 62;
}

/// What a child asks and waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Request {
    Submit = 0,
    Cancel = 1,
    Expire = 2,
    Stats = 3,
    Refusal = 4,
    WantRoom = 5,
    IsClosed = 6,
    Shutdown = 7,
    Terminate = 8,
    CountCancelled = 9,
    Dump = 10,
    /// To run the task that it blocks for on its own stack.
    Claim = 11,
    /// Waits that block: see `pool::Worker`.
    SuspendFor = 12,
    SuspendLimited = 13,
    SuspendBlocking = 14,
    ResumeBlocking = 15,
    /// Whether a wait could ever end; see `tasks::deadlock`.
    Register = 16,
    /// A wait that does not block: whether another worker is missed.
    SuspendClaiming = 17,
    ResumeClaiming = 18,
    MaxWorkers = 19,
    Resize = 20,
    WarmUp = 21,
    Audience = 22,
    Broadcast = 23,
    /// To keep a value that a task has shared; see `sharing`.
    Share = 24,
    /// Traces: to begin one, to end and take one, what it has dropped.
    TraceStart = 25,
    TraceTake = 26,
    TraceDropped = 27,
}

impl Request {
    pub(crate) fn from_number(number: u8) -> Option<Request> {
        use Request::*;
        const ALL: [Request; 28] = [
            Submit,
            Cancel,
            Expire,
            Stats,
            Refusal,
            WantRoom,
            IsClosed,
            Shutdown,
            Terminate,
            CountCancelled,
            Dump,
            Claim,
            SuspendFor,
            SuspendLimited,
            SuspendBlocking,
            ResumeBlocking,
            Register,
            SuspendClaiming,
            ResumeClaiming,
            MaxWorkers,
            Resize,
            WarmUp,
            Audience,
            Broadcast,
            Share,
            TraceStart,
            TraceTake,
            TraceDropped,
        ];
        ALL.get(number as usize).copied()
    }
}

pub(crate) use crate::tasks::task::NATIVE;

/// A task for a child.
pub(crate) struct Run {
    pub(crate) id: u64,
    /// Its function, or with [`NATIVE`] its kernel.
    pub(crate) needs: u32,
    pub(crate) name: Option<Text>,
    /// Whether others of its key run while it waits.
    pub(crate) has_key: bool,
    pub(crate) timeout: Option<Duration>,
    /// When the time that it has in all is over, by this process' clock, which begins when it is read.
    pub(crate) total_end: Option<Instant>,
    /// The mark by which the child says that it has begun it, if it has one.
    pub(crate) mark: Option<u32>,
    /// Of a stream: how many values it may make for now.
    pub(crate) room: Option<u64>,
    pub(crate) work: JsWork,
}

/// How long it is until `end`; not zero.
pub(crate) fn time_until(end: Instant) -> Duration {
    end.saturating_duration_since(Instant::now()).max(Duration::from_micros(1))
}

/// What is left of the limits of a task that is sent, and whether it has a key, so that its waits matter. A
/// limit of zero is not sent: such a task would not run at all.
pub(crate) struct Terms {
    pub(crate) has_key: bool,
    pub(crate) run: Option<Duration>,
    pub(crate) total: Option<Duration>,
}

mod work {
    pub(super) const ISOLATE: u8 = 0;
    pub(super) const NATIVE: u8 = 1;
    pub(super) const CHUNK: u8 = 2;
}

pub(crate) fn write_work(writer: &mut Writer, work: JsWork) -> Result<(), Unsendable> {
    match work {
        JsWork::Isolate(args) => {
            writer.u8(work::ISOLATE);
            writer.args(args)
        }
        JsWork::Native { args, .. } => {
            writer.u8(work::NATIVE);
            writer.args(args)
        }
        JsWork::NativeChunk { calls, .. } => {
            writer.u8(work::CHUNK);
            writer.u32(calls.width as u32);
            writer.limit(calls.limit);
            writer.u32(calls.values.len() as u32);
            calls.values.into_iter().try_for_each(|value| writer.value(value))
        }
        JsWork::Written(work) => {
            writer.parts(work.parts);
            Ok(())
        }
        JsWork::Load => Err(Unsendable::Bound),
    }
}

/// Reads the work of a task; `kernel` is that of a native one, `source` has the shared values that it names.
pub(crate) fn read_work(
    reader: &mut Reader<'_>,
    kernel: Option<u32>,
    source: &dyn SharedSource,
) -> Result<JsWork, Malformed> {
    match (reader.u8()?, kernel) {
        (work::ISOLATE, None) => Ok(JsWork::Isolate(reader.args(source)?)),
        (work::NATIVE, Some(kernel)) => Ok(JsWork::Native { kernel, args: reader.args(source)? }),
        (work::CHUNK, Some(kernel)) => {
            let (width, limit, count) = (reader.u32()? as usize, reader.limit()?, reader.count(1)?);
            if width == 0 {
                return Err(Malformed);
            }
            match reader.list(count, Reader::whole_value) {
                Ok(values) => Ok(JsWork::NativeChunk { kernel, calls: Calls { width, values, limit } }),
                // It fails as a whole.
                Err(Malformed) => Ok(JsWork::Native { kernel, args: reader.missing_args()? }),
            }
        }
        _ => Err(Malformed),
    }
}

impl Run {
    /// Everything but the work, of which there is so much time left.
    pub(crate) fn write_head(writer: &mut Writer, task: &JsTask, terms: &Terms, mark: Option<u32>) {
        writer.u64(task.id());
        writer.u32(task.needs());
        writer.label(task.owner().name.as_ref());
        writer.bool(terms.has_key);
        writer.limit(terms.run);
        writer.limit(terms.total);
        writer.option(mark, Writer::u32);
        writer.option(task.owner().stream.as_ref(), |writer, stream| writer.u64(stream.allowed()));
    }

    pub(crate) fn read(reader: &mut Reader<'_>, source: &dyn SharedSource) -> Result<Run, Malformed> {
        let (id, needs) = (reader.u64()?, reader.u32()?);
        let name = reader.label()?;
        let has_key = reader.bool()?;
        let timeout = reader.limit()?;
        let total_end = reader.limit()?.and_then(|left| Instant::now().checked_add(left));
        let mark = reader.option(Reader::u32)?;
        let room = reader.option(Reader::u64)?;
        let kernel = (needs & NATIVE != 0).then_some(needs & !NATIVE);
        let work = read_work(reader, kernel, source)?;
        Ok(Run { id, needs, name, has_key, timeout, total_end, mark, room, work })
    }
}

/// A start that the system has refused.
pub(crate) const START_REFUSED: u8 = 0;

/// How a start has failed, as TypeScript numbers it in the child (`calls::pool`).
pub(crate) fn start_failure(number: u8) -> StartFailure {
    match number {
        START_REFUSED => StartFailure::Refused,
        2 => StartFailure::Fatal,
        3 => StartFailure::Late,
        4 => StartFailure::Uninitialized,
        _ => StartFailure::Died,
    }
}
