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

#[derive(Default)]
struct Tasks {
    all: Vec<&'static PluginTask>,
    /// The number of the first task of a library, by its address, which is its for ever.
    first: HashMap<usize, u32>,
}

static TASKS: LazyLock<RwLock<Tasks>> = LazyLock::new(RwLock::default);

/// The number of the first task of a library, which has been loaded.
pub(crate) fn number_of(library: &'static Library) -> u32 {
    let mut tasks = TASKS.write();
    let next = FIRST + tasks.all.len() as u32;
    let first = *tasks.first.entry(std::ptr::from_ref(library).addr()).or_insert(next);
    if first == next {
        tasks.all.extend(library.tasks());
    }
    first
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
    let task = TASKS.read().all.get((number - FIRST) as usize).copied();
    let Some(task) = task else { return Err(failure("Error", "", "no such native task")) };
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
    Packed::as_is(Value::Bytes { view: UINT8_ARRAY, bytes })
}
