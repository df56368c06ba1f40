//! Users' own native tasks: those of the plug-ins that were loaded, run with what the pool offers.
//!
//! A plug-in's tasks are numbered for the whole process, from `FIRST`, when its library is loaded for the
//! first time; they are valid for ever, as the library is never unloaded.

use std::collections::HashMap;
use std::sync::atomic::AtomicU8;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use parking_lot::RwLock;
use task::host::{Host, Library, PluginError, PluginTask};

use crate::js::{OUT_OF_MEMORY, UINT8_ARRAY};
use crate::native::arguments::bytes;
use crate::native::control::TaskControl;
use crate::native::kernels::explain;
use crate::native::stop_sign::Hook;
use crate::values::failure::{TOO_LARGE, failure};
use crate::values::value::{Args, Packed, Value};

/// The first number that is a plug-in's; those below are the kernels'.
pub(crate) const FIRST: u32 = 1024;

/// How long a task that gave up because its time was over waits for the clock to say so.
const CLOCK_SLACK: Duration = Duration::from_millis(100);

/// The tasks of one library, by numbers that follow each other.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) first: u32,
    pub(crate) count: u32,
    /// As the user has named it.
    pub(crate) path: Arc<str>,
}

impl Source {
    fn has(&self, number: u32) -> bool {
        (self.first..self.first + self.count).contains(&number)
    }
}

#[derive(Default)]
struct Tasks {
    /// None for those of libraries that only children have loaded.
    all: Vec<Option<&'static PluginTask>>,
    /// The number of the first task of a library, by its address, which is its for ever.
    first: HashMap<usize, u32>,
    sources: Vec<Source>,
}

impl Tasks {
    fn next(&self) -> u32 {
        FIRST + self.all.len() as u32
    }

    fn add(&mut self, path: &str, tasks: impl Iterator<Item = Option<&'static PluginTask>>) -> u32 {
        let first = self.next();
        self.all.extend(tasks);
        let count = self.next() - first;
        self.sources.push(Source { first, count, path: path.into() });
        first
    }
}

static TASKS: LazyLock<RwLock<Tasks>> = LazyLock::new(RwLock::default);

/// The number of the first task of a library, which has been loaded from there.
pub(crate) fn number_of(library: &'static Library, path: &str) -> u32 {
    let mut tasks = TASKS.write();
    let address = std::ptr::from_ref(library).addr();
    if let Some(first) = tasks.first.get(&address) {
        return *first;
    }
    let first = tasks.add(path, library.tasks().map(Some));
    tasks.first.insert(address, first);
    first
}

/// The number of the first of so many tasks of a library that a child has loaded, and this process has not.
pub(crate) fn reserve(path: &str, count: u32) -> u32 {
    let mut tasks = TASKS.write();
    if let Some(known) = tasks.sources.iter().find(|known| &*known.path == path && known.count == count) {
        return known.first;
    }
    tasks.add(path, (0..count).map(|_| None))
}

/// The library of the task of this number.
pub(crate) fn source_of(number: u32) -> Option<Source> {
    TASKS.read().sources.iter().find(|source| source.has(number)).cloned()
}

/// Numbers of tasks that a child does not have: it may load no plug-ins, or could not load this one.
pub(crate) const REFUSED: u32 = (1 << 31) - 1;
pub(crate) const UNLOADABLE: u32 = REFUSED - 1;

fn missing(number: u32) -> Arc<Packed> {
    match number {
        REFUSED => {
            failure("Error", "ERR_ACCESS_DENIED", "a child of a pool with permission loads no plug-ins")
        }
        UNLOADABLE => failure(
            "Error",
            "ERR_PLUGIN_NOT_LOADABLE",
            "the plug-in of the task could not be loaded in its child",
        ),
        _ => failure("Error", "", "no such native task"),
    }
}

/// The pool, as a running task of a plug-in sees it.
struct Running<'a>(&'a dyn TaskControl);

impl Host for Running<'_> {
    fn cancel_flag(&self) -> &AtomicU8 {
        self.0.stop_sign().flag()
    }

    fn on_cancel(&self, hook: Hook) {
        self.0.stop_sign().leave_hook(hook);
    }

    fn progress(&self, bytes: Vec<u8>) {
        if !self.0.is_stopped() {
            self.0.report_progress(uint8(bytes));
        }
    }

    fn remaining(&self) -> Option<Duration> {
        self.0.remaining()
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.stop_sign().drop_hook();
    }
}

/// Runs task `number` of the plug-ins. Its input is the first argument.
pub(crate) fn run(number: u32, args: &Args, control: &dyn TaskControl) -> Result<Packed, Arc<Packed>> {
    let task = TASKS.read().all.get((number - FIRST) as usize).copied().flatten();
    let Some(task) = task else { return Err(missing(number)) };
    let input = bytes(args.values.as_slice(), 0, control).map_err(|error| explain(&error))?;
    let running = Running(control);
    match task.run(&input, &running) {
        Ok(output) => Ok(uint8(output)),
        Err(error) => {
            if control.remaining() == Some(Duration::ZERO) {
                // It noticed before the clock did: the future is to fail with a TimeoutError, not with this.
                control.wait_until_settled(Instant::now() + CLOCK_SLACK);
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
    Packed::as_is(Value::Bytes { view: UINT8_ARRAY, bytes: bytes.into() })
}
