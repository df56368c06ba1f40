//! Native tasks: the kernels, by number, and users' plug-ins, whose numbers begin above theirs. Which
//! number is what TypeScript knows (lib/tasks/native.ts); it has checked the arguments and made them
//! positional.

pub(crate) mod arguments;
pub(crate) mod chunk;
pub(crate) mod control;
pub(crate) mod kernels;
pub(crate) mod plugins;
pub(crate) mod stop_sign;

use std::sync::Arc;

use crate::native::chunk::Calls;
use crate::native::control::TaskControl;
use crate::values::value::{Args, Packed};

/// Runs native task number `number`.
pub(crate) fn run(number: u32, args: Args, control: &dyn TaskControl) -> Result<Packed, Arc<Packed>> {
    arguments::require(args.values.as_slice())?;
    if number >= plugins::FIRST {
        plugins::run(number, &args, control)
    } else {
        kernels::run(number, args, control)
    }
}

/// Runs it for each of the calls of a chunk.
pub(crate) fn run_chunk(number: u32, calls: Calls, control: &dyn TaskControl) -> Result<Packed, Arc<Packed>> {
    chunk::run(calls, control, |args| run(number, args, control))
}
