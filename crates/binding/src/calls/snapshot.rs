//! What `stats` and `dump` tell of a pool (lib/pool/snapshot.ts).

use std::time::{Duration, Instant};

use pool::{Kind, WorkerState};

use crate::calls::call::{Answer, Call, pool_of};
use crate::calls::mirror;
use crate::js::{self, shared_enum, shared_numbers};
use crate::process::view::ChildView;
use crate::process::{children, parent};
use crate::supervision::worker_handle;
use crate::tasks::counts;
use crate::values::text::Text;

/// `stats(pool)`: a flat array of numbers. Without a pool it has what is the process's, and nothing ran.
pub(crate) fn stats(call: &Call<'_>) -> Answer {
    let numbers = if call.args().is_empty() {
        counts::of_process().to_vec()
    } else {
        let entry = pool_of(call)?;
        match parent::of_mirror(&entry) {
            Some(parent) => mirror::stats(parent)?,
            None => counts::of_pool(&entry.pool).to_vec(),
        }
    };
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
        /// Of a child: bytes of resident memory.
        MEMORY = 9,
        /// The same of the task's function.
        FUNCTION_NAME = 10,
    }
}

/// `dump(pool)`: an array with a row for each worker, itself an array.
/// Blocks for a few milliseconds at most, however many workers do not answer.
pub(crate) fn dump(call: &Call<'_>) -> Answer {
    let env = call.env;
    let entry = pool_of(call)?;
    if let Some(parent) = parent::of_mirror(&entry) {
        return dump_children(env, &mirror::dump(parent)?);
    }
    if entry.kind == Kind::Process {
        return dump_children(env, &children::view(&entry, Instant::now() + DUMP_ALL));
    }
    let workers = entry.pool.workers();
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

/// The same of a pool whose workers are processes.
fn dump_children(env: js::Env, views: &[ChildView]) -> Answer {
    let list = js::array(env)?;
    let undefined = js::undefined(env)?;
    let number = |number: Option<f64>| number.map_or(Ok(undefined), |number| js::double(env, number));
    for (index, view) in views.iter().enumerate() {
        let row = js::array(env)?;
        let (task, look) = (view.task.as_ref(), view.look.as_ref());
        let stack = look.and_then(|look| look.stack.as_deref());
        for (column, cell) in [
            (WORKER, js::double(env, f64::from(view.pid))?),
            (KIND, js::int(env, Kind::Process as i32)?),
            (STATE, js::int(env, DumpState::of(view.state) as i32)?),
            (TASK, number(task.map(|task| task.id as f64))?),
            (TASK_NAME, Text::write_or_empty(task.and_then(|task| task.label.as_ref()), env)?),
            (RUNNING_FOR, js::double(env, task.map_or(0.0, |task| task.running_for.as_secs_f64() * 1e3))?),
            (STACK, stack.map_or(Ok(undefined), |stack| js::string(env, stack))?),
            (FUNCTION, js::double(env, task.and_then(|task| task.kernel).map_or(-1.0, f64::from))?),
            (IS_ASLEEP, js::boolean(env, look.is_some_and(|look| look.is_asleep))?),
            (MEMORY, number(view.memory.map(|bytes| bytes as f64))?),
            (FUNCTION_NAME, js::string(env, task.and_then(|task| task.function.as_deref()).unwrap_or(""))?),
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
