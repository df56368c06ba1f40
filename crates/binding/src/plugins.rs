//! Users' own native tasks: loading a plug-in, and running its tasks with what the pool offers.
//!
//! A plug-in's tasks are numbered for the whole process, from `FIRST`, when its library is loaded for the first
//! time; they are never forgotten, as the library is never unloaded.
//!
//! **Stopping.** `settled` runs on whatever thread settles a future. If that ends a task other than by its own
//! return, `settled` first raises `ended`, which is the cancel flag that the plug-in sees, and then looks whether a
//! hook was left; a task that leaves a hook first says so in `hooked` and then looks at `ended`. Both pairs are
//! sequentially consistent, so at least one of the two sees the other; who takes the hook out of `HOOKS` calls it. The code
//! of a hook is the plug-in's, and may not come back: `settled` calls it on a thread of its own, for the thread on which it
//! runs has others to care for.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock};
use pool::Control;
use task::host::{Host, Library, LoadError, PluginError, PluginTask};

use crate::calls::{Answer, Call};
use crate::js::{self, Fault, OUT_OF_MEMORY, UINT8_ARRAY};
use crate::native_arguments::bytes;
use crate::native_tasks::{Stop, TOO_LARGE, explain, failure};
use crate::value::{Args, Packed, Value};
use crate::work::{JsTask, JsWork, report_progress};

/// The first number that is a plug-in's; those below are the kernels'.
pub(crate) const FIRST: u32 = 1024;

/// How long a task that gave up because its time was over waits for the clock to say so.
const CLOCK_SLACK: Duration = Duration::from_millis(100);

#[derive(Default)]
struct Tasks {
    all: Vec<&'static PluginTask>,
    /// The number of the first task of a library, by its address, which is its for ever.
    first: HashMap<usize, u32>,
}

static TASKS: LazyLock<RwLock<Tasks>> = LazyLock::new(RwLock::default);

/// `loadPlugin(path)`: an array of the number of the library's first task, which is its own, and the tasks' names.
pub(crate) fn load(call: &Call<'_>) -> Answer {
    let path = js::get_text(call.env, call.value(0)?)?;
    // SAFETY: the user vouches for the library that the user names; docs/plugins.md says what that means.
    let library = unsafe { Library::load(path) }.map_err(|error| refusal(&error))?;
    let first = number_of(library);
    let list = js::array(call.env)?;
    js::set_element(call.env, list, 0, js::double(call.env, f64::from(first))?)?;
    for (index, task) in library.tasks().enumerate() {
        js::set_element(call.env, list, index as u32 + 1, js::string(call.env, task.name())?)?;
    }
    Ok(list)
}

fn number_of(library: &'static Library) -> u32 {
    let mut tasks = TASKS.write();
    let next = FIRST + tasks.all.len() as u32;
    let first = *tasks.first.entry(std::ptr::from_ref(library).addr()).or_insert(next);
    if first == next {
        tasks.all.extend(library.tasks());
    }
    first
}

fn refusal(error: &LoadError) -> Fault {
    let code = match error {
        LoadError::Missing { .. } => "ERR_PLUGIN_NOT_FOUND",
        LoadError::NotALibrary { .. } => "ERR_PLUGIN_NOT_LOADABLE",
        LoadError::Foreign { .. } => "ERR_PLUGIN_FOREIGN",
        LoadError::Incompatible { .. } => "ERR_PLUGIN_INCOMPATIBLE",
        LoadError::Malformed { .. } => "ERR_PLUGIN_MALFORMED",
    };
    Fault::Throw { code, message: error.to_string() }
}

/// What a ticket keeps for a plug-in's task; see the head of this file.
#[derive(Default)]
pub(crate) struct StopSign {
    // ORDERING: SeqCst where it is raised and where a hook's owner looks at it; plug-ins poll it as a hint.
    ended: AtomicU8,
    // ORDERING: SeqCst; see the head of this file.
    hooked: AtomicBool,
}

type Hook = Box<dyn FnOnce() + Send>;

/// The hooks of running tasks, by the task's address. In one place and not in each ticket: few tasks have any.
static HOOKS: LazyLock<Mutex<HashMap<usize, Hook>>> = LazyLock::new(Mutex::default);

fn key(task: &Arc<JsTask>) -> usize {
    Arc::as_ptr(task).addr()
}

/// A future has settled. If its task may still run, it is told.
pub(crate) fn settled(task: &Arc<JsTask>) {
    // Up before a task that did not return by itself is announced.
    if !task.is_cancel_requested() {
        return;
    }
    let sign = &task.owner().stop_sign;
    sign.ended.store(1, Ordering::SeqCst);
    if sign.hooked.load(Ordering::SeqCst)
        && let Some(hook) = take_hook(task)
    {
        // Where there is no thread to be had the task hears of its end by its flag.
        let _ = std::thread::Builder::new().name("cf-hook".into()).spawn(hook);
    }
}

fn take_hook(task: &Arc<JsTask>) -> Option<Hook> {
    HOOKS.lock().remove(&key(task))
}

/// The pool, as a running task of a plug-in sees it.
struct Running<'a, 'b> {
    control: &'a Control<'b, JsWork>,
    sign: &'a StopSign,
}

impl Host for Running<'_, '_> {
    fn cancel_flag(&self) -> &AtomicU8 {
        &self.sign.ended
    }

    fn on_cancel(&self, hook: Hook) {
        HOOKS.lock().insert(key(self.control.task()), hook);
        self.sign.hooked.store(true, Ordering::SeqCst);
        if self.sign.ended.load(Ordering::SeqCst) != 0
            && let Some(hook) = take_hook(self.control.task())
        {
            hook();
        }
    }

    fn progress(&self, bytes: Vec<u8>) {
        if !self.control.cancelled() {
            report_progress(self.control.task(), uint8(bytes));
        }
    }

    fn remaining(&self) -> Option<Duration> {
        self.control.remaining()
    }
}

impl Drop for Running<'_, '_> {
    fn drop(&mut self) {
        if self.sign.hooked.load(Ordering::SeqCst) {
            drop(take_hook(self.control.task()));
        }
    }
}

/// Runs task `number` of the plug-ins. Its input is the first argument.
pub(crate) fn run(number: u32, args: &Args, control: &Control<'_, JsWork>) -> Result<Packed, Arc<Packed>> {
    let task = TASKS.read().all.get((number - FIRST) as usize).copied();
    let Some(task) = task else { return Err(failure("Error", "", "no such native task")) };
    let input = bytes(args.values.as_slice(), 0, &Stop(control)).map_err(|error| explain(&error))?;
    let running = Running { control, sign: &control.task().owner().stop_sign };
    match task.run(&input, &running) {
        Ok(output) => Ok(uint8(output)),
        Err(error) => {
            if control.remaining() == Some(Duration::ZERO) {
                // It noticed before the clock did: the future is to fail with a TimeoutError, not with this.
                control.task().wait_until(Some(Instant::now() + CLOCK_SLACK));
            }
            let (class, code) = match error {
                PluginError::OutOfMemory => ("Error", OUT_OF_MEMORY),
                PluginError::TooLarge => ("RangeError", TOO_LARGE),
                _ => ("Error", ""),
            };
            Err(failure(class, code, &error.to_string()))
        }
    }
}

fn uint8(bytes: Vec<u8>) -> Packed {
    Packed { form: 0, value: Value::Bytes { view: UINT8_ARRAY, bytes } }
}
