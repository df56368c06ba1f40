//! Making, asking and ending pools.

use std::sync::Arc;

use napi::sys;
use pool::{Config, Kind, StartFailure};

use crate::calls::attach::start_number;
use crate::calls::call::{Answer, Call, nothing, pool_of};
use crate::calls::{children, mirror};
use crate::isolate::header::scratch;
use crate::js::{self, Fault, shared_enum};
use crate::process::hello::Hello;
use crate::process::message::to_parent;
use crate::process::parent;
use crate::process::starter::{self, Starter};
use crate::supervision::{stopper, worker_handle};
use crate::tasks::pools::{self, Stray};
use crate::values::reading;
use crate::values::value::Packed;
use crate::values::writing;

/// `createPool(threadName, name, children?)` with its numbers in `scratch`: maxWorkers, minWorkers,
/// idleTimeout, maxQueue, tasksPerWorker, maxTasksPerWorker, interruptGrace; negative for none. Answers this
/// isolate's index of the pool; its number in the process is in `scratch[0]`.
pub(crate) fn create_pool(call: &Call<'_>) -> Answer {
    let header = &call.state.header;
    let optional = |place: usize| Some(header.scratch(place)).filter(|number| *number >= 0.0);
    let list = call.args().get(2).copied();
    let name = js::get_text(call.env, call.value(1)?)?;
    let is_list =
        |list: &sys::napi_value| matches!(js::type_of(call.env, *list), Ok(sys::ValueType::napi_object));
    let kind = if list.as_ref().is_some_and(is_list) { Kind::Process } else { Kind::Isolate };
    let config = Config {
        max_workers: header.scratch(scratch::MAX_WORKERS) as usize,
        min_workers: header.scratch(scratch::MIN_WORKERS) as usize,
        warm_kind: kind,
        handover_kind: Kind::Isolate,
        idle_timeout: optional(scratch::IDLE_TIMEOUT).map(js::duration),
        max_queue: optional(scratch::MAX_QUEUE).map(|number| number as usize),
        tasks_per_worker: header.scratch(scratch::TASKS_PER_WORKER) as usize,
        max_tasks_per_worker: optional(scratch::MAX_TASKS_PER_WORKER).map(|number| number as u64),
        thread_name: js::get_text(call.env, call.value(0)?)?,
        ..Config::default()
    };
    let grace_ms = header.scratch(scratch::INTERRUPT_GRACE);
    let children = match list.filter(is_list) {
        Some(list) => {
            let hello = Hello {
                shared: Vec::new(),
                name: name.clone(),
                thread_name: config.thread_name.clone(),
                tasks_per_worker: config.tasks_per_worker as u32,
                grace_ms,
                may_load_native: true,
                may_start_children: true,
                initializer: None,
            };
            Some(children::read_spec(call, list, hello)?)
        }
        None => None,
    };
    let starter = children.clone().map(|children| Arc::new(Starter(children)) as Arc<dyn pools::Children>);
    let entry = pools::create(&name, config, grace_ms, call.state.mailbox.clone(), starter, kind);
    if let Some(children) = children {
        starter::note_made(&entry, &children);
    }
    header.set_scratch(scratch::POOL_NUMBER, f64::from(entry.id));
    js::int(call.env, call.state.add_pool(entry) as i32)
}

/// `openPool(number)`: this isolate's index of a pool of the process, or -1 if it is closed.
pub(crate) fn open_pool(call: &Call<'_>) -> Answer {
    let index = pools::find(call.u32(0)?).map_or(-1, |entry| call.state.add_pool(entry) as i32);
    js::int(call.env, index)
}

/// `poolName(pool)`: of its executor.
pub(crate) fn pool_name(call: &Call<'_>) -> Answer {
    js::string(call.env, &pool_of(call)?.name)
}

/// `releasePool(pool)`: this isolate no longer uses its index of the pool, which may be another pool's next.
pub(crate) fn release_pool(call: &Call<'_>) -> Answer {
    call.state.release_pool(call.u32(0)?);
    nothing(call)
}

/// `shutdown(pool, cancelPending, limit)`: the limit in milliseconds, negative for none. False if the system
/// refuses the thread that would watch it.
pub(crate) fn shutdown(call: &Call<'_>) -> Answer {
    let (entry, cancel_pending, limit) = (pool_of(call)?, call.bool(1)?, call.f64(2)?);
    let limit = (limit >= 0.0).then(|| js::duration(limit));
    let is_watched = match parent::of_mirror(&entry) {
        Some(parent) => mirror::shutdown(parent, cancel_pending, limit)?,
        None => pools::shut_down(&entry.pool, cancel_pending, limit),
    };
    js::boolean(call.env, is_watched)
}

/// `terminate(pool)`
pub(crate) fn terminate(call: &Call<'_>) -> Answer {
    let entry = pool_of(call)?;
    match parent::of_mirror(&entry) {
        Some(parent) => mirror::terminate(parent)?,
        None => entry.pool.terminate(),
    }
    nothing(call)
}

/// `isClosed(pool)`
pub(crate) fn is_closed(call: &Call<'_>) -> Answer {
    let entry = pool_of(call)?;
    let is_closed = match parent::of_mirror(&entry) {
        Some(parent) => mirror::is_closed(parent)?,
        None => entry.pool.is_closed(),
    };
    js::boolean(call.env, is_closed)
}

/// `wantRoom(pool)`: true if there is room now; if not, the pool tells once there is.
pub(crate) fn want_room(call: &Call<'_>) -> Answer {
    let entry = pool_of(call)?;
    let has_room = match parent::of_mirror(&entry) {
        Some(parent) => mirror::has_room(parent)?,
        None => !entry.pool.want_room(),
    };
    js::boolean(call.env, has_room)
}

/// `expectRests(pool, areExpected)`: chunks of a map of the pool's own isolate may come back in part, or no
/// longer. Those of a task need not be waited for: the task is.
pub(crate) fn expect_rests(call: &Call<'_>) -> Answer {
    let entry = pool_of(call)?;
    entry.pool.expect_rests(call.bool(1)?);
    nothing(call)
}

shared_enum! {
    /// How the start of a worker has failed.
    pub(super) enum StartFailed = "START": u32 {
        /// By the system, which may have threads, memory and descriptors again later.
        Refused = 0,
        Died = 1,
        /// In a way that every other start would, too.
        Fatal = 2,
        /// It takes too long, and is given up.
        Late = 3,
        /// The initializer has failed.
        Uninitialized = 4,
    }
}

/// `startFailed(pool, failure, form, cause, start)`: a worker that was asked for, as this one, did not come.
pub(crate) fn start_failed(call: &Call<'_>) -> Answer {
    let cause = read_cause(call, 2)?;
    let failure = match StartFailed::from_number(call.u32(1)?) {
        Some(StartFailed::Refused) => StartFailure::Refused,
        Some(StartFailed::Died) => StartFailure::Died,
        Some(StartFailed::Fatal) => StartFailure::Fatal,
        Some(StartFailed::Late) => StartFailure::Late,
        Some(StartFailed::Uninitialized) => StartFailure::Uninitialized,
        None => return Err(Fault::internal("no such failure of a start")),
    };
    let entry = pool_of(call)?;
    match parent::of_mirror(&entry) {
        Some(parent) => {
            let number = call.u32(1)? as u8;
            parent.tell(to_parent::START_FAILED, |writer| {
                writer.u8(number);
                writer.packed_if_able(cause.as_deref());
            });
        }
        None => entry.pool.start_failed_as(entry.kind, cause, failure, start_number(call.u32(4)?)),
    }
    nothing(call)
}

/// `resumeStarts(pool)`: what the event `ResumeStarts` has asked for, in time.
pub(crate) fn resume_starts(call: &Call<'_>) -> Answer {
    pool_of(call)?.pool.resume_starts();
    nothing(call)
}

/// A packed cause in two arguments; none if the form is negative.
pub(crate) fn read_cause(call: &Call<'_>, index: usize) -> Result<Option<Arc<Packed>>, Fault> {
    let form = call.i32(index)?;
    if form < 0 {
        return Ok(None);
    }
    let value = reading::read_shared(call.env, &call.state.written, form as u8, call.value(index + 1)?)?;
    Ok(Some(Arc::new(Packed { form: form as u8, value })))
}

/// `assign(pool)`: the port value that is to be handed over now, and in its upper bits the worker; -1 for
/// none. `delivered` must follow.
pub(crate) fn assign(call: &Call<'_>) -> Answer {
    let entry = pool_of(call)?;
    while let Some((task, id)) = entry.pool.assign() {
        let worker = entry.pool.workers().into_iter().find(|worker| worker.id == id);
        let handle = worker.and_then(|worker| worker_handle::find(&worker.link));
        match (handle, &task.owner().port_value) {
            (Some(handle), Some(port_value)) => {
                port_value.send_to(handle.number);
                *call.state.handover.borrow_mut() = Some((task.clone(), id));
                return js::double(call.env, port_value.number());
            }
            // The worker has left, which the pool knows by now.
            _ => entry.pool.delivered(&task, id),
        }
    }
    js::double(call.env, -1.0)
}

/// `delivered(pool)`: what `assign` gave is where its worker finds it.
pub(crate) fn delivered(call: &Call<'_>) -> Answer {
    let handover = call.state.handover.borrow_mut().take();
    if let Some((task, worker)) = handover {
        pool_of(call)?.pool.delivered(&task, worker);
    }
    nothing(call)
}

/// `takeStrays(pool)`: the errors that are to be told, as a flat array of the task's name or undefined, form
/// and value.
pub(crate) fn take_strays(call: &Call<'_>) -> Answer {
    let env = call.env;
    let strays = std::mem::take(&mut *pool_of(call)?.strays.lock());
    let list = js::array(env)?;
    for (at, Stray { task, error }) in (0..).step_by(3).zip(strays) {
        let name = task.map_or_else(|| js::undefined(env), |task| task.write(env))?;
        let (form, value) = writing::write_packed(env, &error)?;
        js::set_element(env, list, at, name)?;
        js::set_element(env, list, at + 1, js::int(env, i32::from(form))?)?;
        js::set_element(env, list, at + 2, value)?;
    }
    Ok(list)
}

/// `exitAfter(code, ms)`: ends the process by `_exit` with this code, unless it has ended by then. For exits
/// that Node would wait for for ever, because a worker can neither be stopped nor joined.
pub(crate) fn exit_after(call: &Call<'_>) -> Answer {
    let (code, wait) = (call.i32(0)?, js::duration(call.f64(1)?));
    let killer = std::thread::Builder::new().name("cf-exit".into()).spawn(move || {
        std::thread::sleep(wait);
        // SAFETY: ends the process at once; no destructor or handler runs, which is the point.
        unsafe { libc::_exit(code) }
    });
    js::boolean(call.env, killer.is_ok())
}

/// `mustForceExit()`: whether a worker of the process is abandoned, being stopped now, does not come back,
/// or holds a task: that of another isolate's pool, which was not asked to stop.
pub(crate) fn must_force_exit(call: &Call<'_>) -> Answer {
    let any_busy =
        || worker_handle::all().iter().any(|handle| handle.holds_any() || handle.pulse.has_outstanding());
    js::boolean(call.env, worker_handle::any_stuck() || stopper::is_busy() || any_busy())
}
