//! Native tasks: the kernels, by number, and users' plug-ins, whose numbers begin above theirs. Which number is what
//! TypeScript knows (lib/native.ts); it has checked the arguments and made them positional.

use std::sync::Arc;

use crate::native_chunk::{self, Calls};
use crate::native_control::TaskControl;
use crate::native_tasks;
use crate::plugins;
use crate::value::{Args, Packed};

/// Runs native task number `number`.
pub(crate) fn run(number: u32, args: Args, control: &dyn TaskControl) -> Result<Packed, Arc<Packed>> {
    if number >= plugins::FIRST {
        plugins::run(number, &args, control)
    } else {
        native_tasks::run(number, args, control)
    }
}

/// Runs it for each of the calls of a chunk.
pub(crate) fn run_chunk(number: u32, calls: Calls, control: &dyn TaskControl) -> Result<Packed, Arc<Packed>> {
    native_chunk::run(calls, control, |args| run(number, args, control))
}
