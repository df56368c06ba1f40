//! What `stats` and `dump` tell of a pool (lib/pool/snapshot.ts).

use std::time::{Duration, Instant};

use pool::{Kind, Summary, WorkerState};

use crate::calls::call::{Answer, Call, pool_of};
use crate::js::{self, shared_enum, shared_numbers};
use crate::supervision::worker_handle;
use crate::values::text::Text;

shared_numbers! {
    /// Where in the array of `stats` the counts are, and the summaries of the two times.
    pub(super) STATS = "STATS": usize {
        IDLE = 0,
        BUSY = 1,
        STARTING = 2,
        ABANDONED = 3,
        QUEUED = 4,
        RUNNING = 5,
        COMPLETED = 6,
        FAILED = 7,
        CANCELLED = 8,
        TIMED_OUT = 9,
        LOST = 10,
        DIED = 11,
        BROKEN = 12,
        WAIT_TIME = 13,
        RUN_TIME = WAIT_TIME + SUMMARY_LENGTH,
        LENGTH = RUN_TIME + SUMMARY_LENGTH,
    }
}

shared_numbers! {
    /// Where in a summary its numbers are; times in milliseconds.
    pub(super) SUMMARY = "SUMMARY": usize {
        COUNT = 0,
        MIN = 1,
        MEAN = 2,
        P50 = 3,
        P90 = 4,
        P99 = 5,
        MAX = 6,
    }
}
const SUMMARY_LENGTH: usize = MAX + 1;

/// `stats(pool)`: a flat array of numbers.
pub(crate) fn stats(call: &Call<'_>) -> Answer {
    let view = pool_of(call)?.pool.stats();
    let counts = view.counts;
    let mut numbers = [0.0; LENGTH];
    for (at, count) in [
        (IDLE, view.idle as u64),
        (BUSY, view.busy as u64),
        (STARTING, view.starting as u64),
        (ABANDONED, view.abandoned as u64),
        (QUEUED, view.queued as u64),
        (RUNNING, view.running as u64),
        (COMPLETED, counts.completed),
        (FAILED, counts.failed),
        (CANCELLED, counts.cancelled),
        (TIMED_OUT, counts.timed_out),
        (LOST, counts.lost),
        (DIED, view.died),
        (BROKEN, u64::from(view.broken)),
    ] {
        numbers[at] = count as f64;
    }
    for (from, summary) in [(WAIT_TIME, view.wait_time), (RUN_TIME, view.run_time)] {
        let Summary { count, min, mean, p50, p90, p99, max } = summary;
        let places =
            [(COUNT, count as f64), (MIN, min), (MEAN, mean), (P50, p50), (P90, p90), (P99, p99), (MAX, max)];
        for (at, number) in places {
            numbers[from + at] = number;
        }
    }
    let list = js::array(call.env)?;
    for (index, number) in numbers.iter().enumerate() {
        js::set_element(call.env, list, index as u32, js::double(call.env, *number)?)?;
    }
    Ok(list)
}

/// How long `dump` waits for the stack of a thread that sleeps, and of all threads together.
const DUMP_ASLEEP: Duration = Duration::from_millis(2);
const DUMP_ALL: Duration = Duration::from_millis(20);

shared_enum! {
    /// What a worker is doing, in a dump.
    pub(super) enum DumpState = "WORKER": i32 {
        Starting = 0,
        Idle = 1,
        Busy = 2,
        Abandoned = 3,
    }
}

shared_numbers! {
    /// The kinds of workers, in a dump.
    pub(super) KINDS = "KIND": i32 {
        NATIVE = Kind::Native as i32,
        ISOLATE = Kind::Isolate as i32,
        PROCESS = Kind::Process as i32,
    }
}

shared_numbers! {
    /// Where in the row of a worker in a dump its cells are.
    pub(super) DUMP = "DUMP": u32 {
        WORKER = 0,
        KIND = 1,
        STATE = 2,
        TASK = 3,
        TASK_NAME = 4,
        RUNNING_FOR = 5,
        STACK = 6,
        FUNCTION = 7,
        IS_ASLEEP = 8,
    }
}

/// `dump(pool)`: an array with a row for each worker, itself an array.
/// Blocks for a few milliseconds at most, however many workers do not answer.
pub(crate) fn dump(call: &Call<'_>) -> Answer {
    let env = call.env;
    let workers = pool_of(call)?.pool.workers();
    let deadline = Instant::now() + DUMP_ALL;
    let list = js::array(env)?;
    for (index, worker) in workers.iter().enumerate() {
        let row = js::array(env)?;
        let handle = worker_handle::find(&worker.link);
        let task = worker.held.first();
        let running = task.and_then(|task| task.started()).map(|since| since.elapsed().as_secs_f64() * 1e3);
        let busy = matches!(worker.state, WorkerState::Busy | WorkerState::Partial | WorkerState::Abandoned);
        let runs = handle.as_ref().filter(|_| busy);
        let asleep = runs.is_some_and(|handle| handle.is_asleep());
        // What sleeps in the event loop runs no JavaScript and does not answer; what sleeps in
        // `Atomics.wait` answers at once.
        let deadline = if asleep { deadline.min(Instant::now() + DUMP_ASLEEP) } else { deadline };
        let stack = runs.and_then(|handle| handle.guard.look(None, deadline));
        let task_number =
            task.map_or_else(|| js::undefined(env), |task| js::double(env, task.id() as f64))?;
        let name = Text::write_or_empty(task.and_then(|task| task.owner().name.as_ref()), env)?;
        for (column, cell) in [
            (WORKER, js::double(env, handle.as_ref().map_or(0.0, |handle| f64::from(handle.number)))?),
            (KIND, js::int(env, worker.kind as i32)?),
            (STATE, js::int(env, DumpState::of(worker.state) as i32)?),
            (TASK, task_number),
            (TASK_NAME, name),
            (RUNNING_FOR, js::double(env, running.unwrap_or(0.0))?),
            (STACK, stack.map_or_else(|| js::undefined(env), |stack| js::string(env, &stack))?),
            (FUNCTION, js::double(env, f64::from(task.map_or(0, |task| task.needs())))?),
            (IS_ASLEEP, js::boolean(env, asleep)?),
        ] {
            js::set_element(env, row, column, cell)?;
        }
        js::set_element(env, list, index as u32, row)?;
    }
    Ok(list)
}

impl DumpState {
    fn of(state: WorkerState) -> DumpState {
        match state {
            WorkerState::Preparing => DumpState::Starting,
            WorkerState::Idle | WorkerState::Lingering | WorkerState::Reserved => DumpState::Idle,
            WorkerState::Woken
            | WorkerState::Busy
            | WorkerState::Partial
            | WorkerState::Retiring
            | WorkerState::Ending
            | WorkerState::Leaving => DumpState::Busy,
            WorkerState::Abandoned => DumpState::Abandoned,
        }
    }
}
