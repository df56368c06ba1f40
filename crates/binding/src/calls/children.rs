//! Pools whose workers are processes, and this process if it is one.

use std::ffi::OsString;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use napi::sys;

use crate::calls::call::{Answer, Call, nothing, pool_of};
use crate::js::{self, Env, Fault};
use crate::process::children::{self, ChildSpec, PoolChildren};
use crate::process::hello::Hello;
use crate::process::parent;
use crate::process::view::Look;
use crate::supervision::worker_handle;
use crate::tasks::functions;
use crate::values::reading;
use crate::values::shared_use::SharedSource;
use crate::values::value::Packed;
use crate::values::writing;

fn texts(env: Env, list: sys::napi_value) -> Result<Vec<String>, Fault> {
    js::elements(env, list)?.into_iter().map(|text| js::get_text(env, text)).collect()
}

/// Places in the array that says how the children of a pool are started.
mod at {
    pub(super) const PROGRAM: usize = 0;
    pub(super) const ARGS: usize = 1;
    pub(super) const ENV: usize = 2;
    pub(super) const INITIALIZER: usize = 3;
    pub(super) const FORM: usize = 4;
    pub(super) const DATA: usize = 5;
    pub(super) const MOST_MEMORY: usize = 6;
    pub(super) const IS_RESTRICTED: usize = 7;
    pub(super) const MAY_START_CHILDREN: usize = 8;
    pub(super) const SHARED: usize = 9;
}

/// Whether this process starts none. Nothing takes that back: code that Node's permission model restrains may
/// call what JavaScript can call.
// ORDERING: set before code of that kind runs.
static ARE_FORBIDDEN: AtomicBool = AtomicBool::new(false);

/// `forbidChildren()`: no pool of this process has children from now on.
pub(crate) fn forbid_children(call: &Call<'_>) -> Answer {
    ARE_FORBIDDEN.store(true, Ordering::Relaxed);
    nothing(call)
}

/// How the children of a pool are started, as `createPool` is told it.
pub(super) fn read_spec(
    call: &Call<'_>,
    list: sys::napi_value,
    hello: Hello,
) -> Result<Arc<PoolChildren>, Fault> {
    let env = call.env;
    if ARE_FORBIDDEN.load(Ordering::Relaxed) {
        let message =
            "--permission, or the pool whose child this is, lets this process start no others".to_owned();
        return Err(Fault::Throw { code: "ERR_ACCESS_DENIED", message });
    }
    let parts = js::elements(env, list)?;
    let part = |at: usize| parts.get(at).copied().ok_or_else(|| Fault::internal("a part is missing"));
    let environment = part(at::ENV)?;
    let environment = match js::type_of(env, environment)? {
        sys::ValueType::napi_object => Some(texts(env, environment)?),
        _ => None,
    };
    let pair = |text: String| {
        // The name of a variable of Windows may begin with '='.
        let at = text.char_indices().skip(1).find(|(_, character)| *character == '=').map(|(at, _)| at);
        let (name, value) = at.map_or((text.as_str(), ""), |at| (&text[..at], &text[at + 1..]));
        (OsString::from(name), OsString::from(value))
    };
    let command = process::Command {
        program: js::get_text(env, part(at::PROGRAM)?)?.into(),
        args: texts(env, part(at::ARGS)?)?.into_iter().map(OsString::from).collect(),
        env: environment.map(|texts| texts.into_iter().map(pair).collect()),
    };
    let function = js::get_u32(env, part(at::INITIALIZER)?)?;
    let initializer = match functions::text(function).zip(functions::name(function)) {
        Some((text, name)) if function != 0 => {
            let form = js::get_u32(env, part(at::FORM)?)? as u8;
            let value = reading::read_shared(env, &call.state.written, form, part(at::DATA)?)?;
            Some((text, name, Arc::new(Packed { form, value })))
        }
        _ => None,
    };
    let most = js::get_double(env, part(at::MOST_MEMORY)?)?;
    let most_memory = (most >= 0.0).then_some(most as u64);
    let may_load_native = !js::get_bool(env, part(at::IS_RESTRICTED)?)?;
    let may_start_children = js::get_bool(env, part(at::MAY_START_CHILDREN)?)?;
    let shared = read_shared(env, part(at::SHARED)?)?;
    let hello = Hello { initializer, may_load_native, may_start_children, shared, ..hello };
    Ok(PoolChildren::new(ChildSpec { command, hello, most_memory }))
}

/// Places and numbers of shared values, from a flat array of both.
fn read_shared(env: Env, list: sys::napi_value) -> Result<Vec<(u32, u64)>, Fault> {
    let numbers: Vec<f64> = js::elements(env, list)?
        .into_iter()
        .map(|number| js::get_double(env, number))
        .collect::<Result<_, _>>()?;
    Ok(numbers.as_chunks::<2>().0.iter().map(|[place, number]| (*place as u32, *number as u64)).collect())
}

/// The shared values among the arguments of the initializer: a flat array of places and numbers.
fn write_shared(env: Env, parent: &parent::Parent) -> Result<sys::napi_value, Fault> {
    let list = js::array(env)?;
    let mut at = 0;
    for (place, number) in &parent.hello.shared {
        let value = parent.sharing.got.shared(*number);
        // One that is not there any more has no number: the pool has shut down, and so will this child.
        let number = value.map_or(0, |value| value.number());
        for part in [f64::from(*place), number as f64] {
            js::set_element(env, list, at, js::double(env, part)?)?;
            at += 1;
        }
    }
    Ok(list)
}

/// `endChildren(pool, ms)`: ends all of them; those that hold no task of this pool, which is shut down, may
/// leave by themselves for so long, and meanwhile this blocks.
pub(crate) fn end_children(call: &Call<'_>) -> Answer {
    let entry = pool_of(call)?;
    if let Some(children) = children::of_pool(entry.id) {
        let limit = js::duration(call.f64(1)?);
        if !limit.is_zero() {
            children.end_busy(&entry);
            entry.pool.wait_closed(Instant::now().checked_add(limit));
        }
        children.end_all();
    }
    nothing(call)
}

/// `joinParent()`: takes up the channel to the process that has started this one, and answers what this child
/// is: the numbers of the pool, of the one that runs tasks here and of the worker, how many tasks a worker
/// may hold, the number of the initializer (0 for none), the form of its arguments, these, and the shared
/// values among them.
pub(crate) fn join_parent(call: &Call<'_>) -> Answer {
    let env = call.env;
    let parent = parent::join().map_err(|why| Fault::internal(&why))?;
    let hello = &parent.hello;
    if !hello.may_start_children {
        ARE_FORBIDDEN.store(true, Ordering::Relaxed);
    }
    let list = js::array(env)?;
    let number = match &hello.initializer {
        Some((text, name, _)) => call.state.functions.borrow_mut().number(text, name),
        None => 0,
    };
    let (form, data) = match &hello.initializer {
        Some((_, _, args)) => writing::write_packed(env, args)?,
        None => (0, js::undefined(env)?),
    };
    for (index, value) in [
        js::int(env, parent.mirror.id as i32)?,
        js::int(env, parent.local.id as i32)?,
        js::int(env, 1)?,
        js::int(env, hello.tasks_per_worker as i32)?,
        js::int(env, number as i32)?,
        js::int(env, i32::from(form))?,
        data,
        write_shared(env, parent)?,
    ]
    .into_iter()
    .enumerate()
    {
        js::set_element(env, list, index as u32, value)?;
    }
    Ok(list)
}

/// `mayLoadNative()`: not in a child whose permissions are restricted.
pub(crate) fn may_load_native(call: &Call<'_>) -> Answer {
    js::boolean(call.env, parent::get().is_none_or(|parent| parent.hello.may_load_native))
}

/// How long a look may take: the thread that hears the pool's process waits for it.
const LOOK_LIMIT: std::time::Duration = std::time::Duration::from_millis(10);

/// Where the JavaScript of this child is.
pub(super) fn look() -> Look {
    let mut look = Look::default();
    for handle in worker_handle::all() {
        let is_own = parent::of_local(&handle.entry).is_some();
        if is_own {
            look.is_asleep = handle.is_asleep();
            look.stack = handle.guard.look(None, Instant::now() + LOOK_LIMIT);
        }
    }
    look
}
