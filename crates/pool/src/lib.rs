//! A thread pool whose futures park on a condvar.
//!
//! One [`Pool`] has one queue, one budget of workers that may run at once, and several *kinds* of worker. A
//! worker is anything that claims a task, runs it and settles it: a thread of this crate ([`Kind::Native`]),
//! or a thread or process that somebody else owns and that attached itself through [`Worker`]. The crate
//! decides queueing, claims, future states, deadlines, cancellation, counts and shutdown; it knows nothing of
//! JavaScript.
//!
//! The folders are layers, and each imports only what stands below it: `scheduler`, then `queue` and
//! `workers`, which do not know each other, then `task`, then `sync`. `tests/layers.rs` sees to it.
//!
//! Locks: `Pool::state` first, then the inbox' or that of a task (`Task::inner`), or one of these alone;
//! nothing else is taken while any is held, and no user code runs under them.
#![forbid(unsafe_code)]
// A folder is a layer, and the noun that it is named after has a file like every other: task/task.rs.
#![allow(clippy::module_inception)]

mod queue;
mod scheduler;
mod sync;
mod task;
mod workers;

pub use scheduler::ahead::Ahead;
pub use scheduler::config::Config;
pub use scheduler::native::caught;
pub use scheduler::pool::{Pool, Refusal, Refused};
pub use scheduler::starts::StartFailure;
pub use scheduler::stats::{BOUNDS, Counts, Snapshot, Summary};
pub use scheduler::stop::Cancelled;
pub use scheduler::suspects::Blame;
pub use scheduler::worker::{Next, Turn, Worker};
pub use sync::background_thread::BackgroundThread;
pub use sync::deadline::{Pause, TimeLimit};
pub use sync::linger::{Linger, WaitStreak};
pub use sync::parker::Parker;
pub use sync::spin::spin_until;
pub use task::control::Control;
pub use task::key::Key;
pub use task::outcome::{Failure, Outcome};
pub use task::spec::Spec;
pub use task::states::State;
pub use task::task::Task;
pub use task::work::{Host, Kind, Needs, Work, WorkerId, WorkerLink};
pub use workers::state::{WorkerState, WorkerView};
