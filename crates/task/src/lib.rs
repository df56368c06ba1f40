//! Native tasks of your own for concurrent-futures.
//!
//! A plug-in is a shared library (`crate-type = ["cdylib"]`) of functions from bytes to bytes. In Rust:
//!
//! ```
//! use concurrent_futures_task::{Context, tasks};
//!
//! fn sum(input: &[u8], context: &Context) -> Result<Vec<u8>, String> {
//!     let mut sum = 0_u64;
//!     for chunk in input.chunks(64 * 1024) {
//!         context.check()?; // a cancelled task ends here
//!         sum += chunk.iter().map(|byte| u64::from(*byte)).sum::<u64>();
//!     }
//!     Ok(sum.to_le_bytes().to_vec())
//! }
//!
//! tasks! { "sum" => sum }
//! ```
//!
//! JavaScript finds it with `loadNative('./libmine.so').sum`. Other languages use the C header in `include/`,
//! which states the rules in full; [`abi`] mirrors it. With the feature `host`, `host` loads plug-ins and
//! runs their tasks.

pub mod abi;
mod context;
#[cfg(feature = "host")]
pub mod host;
#[doc(hidden)]
pub mod shim;

pub use context::Context;

/// A task: from the submitted bytes to the bytes of the result, or to the message of an error. It may run on
/// several threads at once. A panic becomes an error too.
pub type TaskFunction = fn(input: &[u8], context: &Context) -> Result<Vec<u8>, String>;

/// Exports functions as the tasks of this library. Once in a library: it defines the symbol that the host
/// looks for.
///
/// Empty, too long or repeated names do not compile.
#[macro_export]
macro_rules! tasks {
    ($($name:literal => $function:expr),+ $(,)?) => {
        /// The tasks of this library, or NULL for a host that is too old for them.
        #[unsafe(no_mangle)]
        pub extern "C" fn concurrent_futures_tasks(host_abi: u32) -> *const $crate::abi::TaskTable {
            const _: () = $crate::shim::check_names(&[$(concat!($name, "\0")),+]);
            static TASKS: &[$crate::abi::Task] = &[$({
                unsafe extern "C" fn run(context: *mut $crate::abi::Context) -> i32 {
                    // Outside of the block: what the user writes here is not ours to vouch for.
                    let task: $crate::TaskFunction = $function;
                    // SAFETY: only the host calls this, by the ABI with the context of a run that has just
                    // begun.
                    unsafe { $crate::shim::run(context, task) }
                }
                $crate::abi::Task {
                    size: ::core::mem::size_of::<$crate::abi::Task>() as u32,
                    abi: $crate::abi::ABI,
                    name: concat!($name, "\0").as_ptr().cast(),
                    run: ::core::option::Option::Some(run),
                }
            }),+];
            static TABLE: $crate::abi::TaskTable = $crate::abi::TaskTable {
                size: ::core::mem::size_of::<$crate::abi::TaskTable>() as u32,
                abi: $crate::abi::ABI,
                tasks: TASKS.as_ptr(),
                count: TASKS.len(),
            };
            if host_abi >= $crate::abi::ABI { &TABLE } else { ::core::ptr::null() }
        }
    };
}
