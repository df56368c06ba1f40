//! A thread pool whose futures park on a condvar.
//!
//! One [`Pool`] has one queue, one budget of workers that may run at once, and several *kinds* of
//! worker. A worker is anything that claims a task, runs it and settles it: a thread of this crate
//! ([`Kind::Native`]), or a thread or process that somebody else owns and that attached itself
//! through [`Worker`]. The crate decides queueing, claims, future states, deadlines, cancellation,
//! counts and shutdown; it knows nothing of JavaScript.
//!
//! Locks: `Pool::state` first, then `Task::inner`; nothing else is taken while either is held, and
//! no user code runs under them.
#![forbid(unsafe_code)]

mod actions;
mod apart;
mod claim;
mod config;
mod control;
mod deadline;
mod handover;
mod inbox;
mod lane;
mod limits;
mod linger;
mod lock;
mod native;
mod outcome;
mod parker;
mod pool;
mod rebalance;
mod registry;
mod reservation;
mod service;
mod shutdown;
mod starts;
mod states;
mod stats;
mod stop;
mod sync;
mod task;
mod transit;
mod work;
mod worker;

pub use config::Config;
pub use control::Control;
pub use deadline::Pause;
pub use linger::Linger;
pub use native::caught;
pub use outcome::{Failure, Outcome};
pub use parker::Parker;
pub use pool::{Pool, Refusal, Refused};
pub use registry::{WorkerState, WorkerView};
pub use service::Service;
pub use starts::StartFailure;
pub use states::State;
pub use stats::{Counts, Snapshot, Summary};
pub use stop::Cancelled;
pub use task::{Spec, Task};
pub use work::{Host, Kind, Work, WorkerId, WorkerLink};
pub use worker::{Next, Turn, Worker};
