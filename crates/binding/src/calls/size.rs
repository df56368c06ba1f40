//! How many workers a pool may have, and has.

use crate::calls::call::{Answer, Call, pool_of};
use crate::calls::{mirror, submit};
use crate::js;
use crate::process::parent;
use crate::process::refusal::code_of;
use crate::tasks::task::{Destination, Ticket};
use crate::tasks::warm_up;

/// `maxWorkers(pool)`
pub(crate) fn max_workers(call: &Call<'_>) -> Answer {
    let entry = pool_of(call)?;
    let most = match parent::of_mirror(&entry) {
        Some(parent) => mirror::max_workers(parent)?,
        None => entry.pool.max_workers() as u32,
    };
    js::int(call.env, most as i32)
}

/// `resize(pool, maxWorkers)`: 0; or the pool's `minWorkers`, if they are more, and nothing changes.
pub(crate) fn resize(call: &Call<'_>) -> Answer {
    let (entry, most) = (pool_of(call)?, call.u32(1)?);
    let least = match parent::of_mirror(&entry) {
        Some(parent) => mirror::resize(parent, most)?,
        None => entry.resize(most),
    };
    js::int(call.env, least as i32)
}

/// `warmUp(pool, workers)`: the slot of a future that settles when so many workers of the pool are ready for
/// tasks, or why there is none, as `submit` says it.
pub(crate) fn warm_up(call: &Call<'_>) -> Answer {
    let (entry, workers, state) = (pool_of(call)?, call.u32(1)?, call.state);
    let slot = state.futures.borrow_mut().reserve();
    let ticket = Ticket::new(Destination::Isolate(state.mailbox.clone()), entry.id, slot, None);
    let accepted = match parent::of_mirror(&entry) {
        Some(parent) => mirror::warm_up(parent, ticket, workers).inspect_err(|_| {
            state.futures.borrow_mut().release(slot);
        })?,
        None => warm_up::begin(&entry, ticket, workers).map_err(|refusal| code_of(&refusal)),
    };
    match accepted {
        Ok(task) => {
            state.futures.borrow_mut().fill(slot, task);
            state.keep_loop_alive(true);
            state.flag_services();
            js::int(call.env, slot as i32)
        }
        Err(code) => {
            state.futures.borrow_mut().release(slot);
            js::int(call.env, submit::answer(code))
        }
    }
}
