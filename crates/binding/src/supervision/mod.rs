//! What other threads do to a worker: wake it, stop it, look at it, give it up.

pub(crate) mod debugger;
pub(crate) mod frames;
pub(crate) mod guard;
pub(crate) mod os_thread;
pub(crate) mod pulse;
pub(crate) mod replace;
pub(crate) mod silence;
pub(crate) mod stop_request;
pub(crate) mod stopper;
mod times;
mod turning;
pub(crate) mod watchdog;
pub(crate) mod worker_handle;
pub(crate) mod worker_link;
