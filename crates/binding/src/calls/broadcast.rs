//! Tasks that each JavaScript worker runs once. TypeScript makes a copy of the arguments for each first, as
//! they may be written once only; all tasks are accepted together.

use std::sync::Arc;

use napi::sys;
use pool::{Kind, Spec};

use crate::calls::call::{Answer, Call, nothing, pool_of};
use crate::calls::{mirror, submit};
use crate::isolate::header::scratch;
use crate::js;
use crate::process::parent;
use crate::process::refusal::{NO_CLOCK, code_of};
use crate::supervision::stopper;
use crate::tasks::task::{Destination, JsTask, JsWork, Ticket};
use crate::values::text::Text;

/// `audience(pool)`: how many workers would run a broadcast now.
pub(crate) fn audience(call: &Call<'_>) -> Answer {
    let entry = pool_of(call)?;
    let count = match parent::of_mirror(&entry) {
        Some(parent) => mirror::audience(parent)?,
        None => entry.pool.audience() as u32,
    };
    js::int(call.env, count as i32)
}

/// `addCopy(…values)`, of the form that is in `scratch`: the arguments for one more worker.
pub(crate) fn add_copy(call: &Call<'_>) -> Answer {
    let form = call.state.header.scratch(scratch::VALUE_FORM) as u8;
    let work = submit::isolate_work(call, 0, form, call.args())?;
    call.state.copies.borrow_mut().push(work);
    nothing(call)
}

/// Takes the copies that were added last.
fn take_copies(call: &Call<'_>, count: usize) -> Vec<JsWork> {
    let mut copies = call.state.copies.borrow_mut();
    let first = copies.len().saturating_sub(count);
    copies.split_off(first)
}

/// `dropCopies(count)`: so many that were added last are not needed.
pub(crate) fn drop_copies(call: &Call<'_>) -> Answer {
    drop(take_copies(call, call.u32(0)? as usize));
    nothing(call)
}

/// `broadcast(pool, count, names?)` with the function, and FLAG_LIMITED with the limits of time, in
/// `scratch`: a task for each of the workers, with the copies that were added last. A list of the slots of
/// their futures, of fewer if a worker has gone meanwhile, and after them the ids of the tasks; or why there
/// are none, as `submit` says it.
pub(crate) fn broadcast(call: &Call<'_>) -> Answer {
    let (entry, state) = (pool_of(call)?, call.state);
    let works = take_copies(call, call.u32(1)? as usize);
    let names = match call.args().get(2) {
        Some(list) => js::elements(call.env, *list)?,
        None => Vec::new(),
    };
    let names: Vec<_> =
        names.iter().map(|name| Text::read(call.env, *name, false)).collect::<Result<_, _>>()?;
    let mut names = names.into_iter();
    let number = |place: usize| state.header.scratch(place) as u32;
    let (function, flags) = (number(scratch::FUNCTION), number(scratch::FLAGS));
    let timeout = submit::limit(call, flags, scratch::TIMEOUT);
    let total_timeout = submit::limit(call, flags, scratch::TOTAL_TIMEOUT);
    let may_be_stopped = timeout.is_some() || total_timeout.is_some();
    if entry.kind == Kind::Isolate && may_be_stopped && stopper::THREAD.start().is_err() {
        return js::int(call.env, submit::answer(NO_CLOCK));
    }
    let slots: Vec<u32> = works.iter().map(|_| state.futures.borrow_mut().reserve()).collect();
    let mut spec = |(work, slot): (JsWork, &u32)| {
        let there = Destination::Isolate(state.mailbox.clone());
        let owner = Ticket::new(there, entry.id, *slot, names.next());
        Spec { needs: function, timeout, total_timeout, ..Spec::new(entry.kind, work, owner) }
    };
    let specs: Vec<_> = works.into_iter().zip(&slots).map(&mut spec).collect();
    let release = || slots.iter().for_each(|slot| state.futures.borrow_mut().release(*slot));
    let accepted = match parent::of_mirror(&entry) {
        Some(parent) => mirror::broadcast(parent, specs).inspect_err(|_| release())?,
        None => {
            let tasks = entry.pool.broadcast(specs).map_err(|refusal| code_of(&refusal));
            tasks.map(|tasks| tasks.into_iter().map(|task| (task.id(), task)).collect())
        }
    };
    match accepted {
        Ok(tasks) => note_accepted(call, &slots, tasks),
        Err(code) => {
            release();
            js::int(call.env, submit::answer(code))
        }
    }
}

fn note_accepted(call: &Call<'_>, slots: &[u32], tasks: Vec<(u64, Arc<JsTask>)>) -> Answer {
    let (slots, unused) = slots.split_at(tasks.len().min(slots.len()));
    unused.iter().for_each(|slot| call.state.futures.borrow_mut().release(*slot));
    let mut numbers: Vec<f64> = slots.iter().map(|slot| f64::from(*slot)).collect();
    for (slot, (id, task)) in slots.iter().zip(tasks) {
        numbers.push(id as f64);
        call.state.futures.borrow_mut().fill(*slot, task);
        call.state.keep_loop_alive(true);
    }
    call.state.flag_services();
    let list: sys::napi_value = js::array(call.env)?;
    for (at, number) in (0..).zip(numbers) {
        js::set_element(call.env, list, at, js::double(call.env, number)?)?;
    }
    Ok(list)
}
