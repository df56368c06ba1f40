//! What the pool's generic parts are in this binding: tasks, their functions, and the pools of the process.

pub(crate) mod counts;
pub(crate) mod deadlock;
pub(crate) mod functions;
pub(crate) mod interner;
pub(crate) mod news;
pub(crate) mod patience;
pub(crate) mod pool_event;
pub(crate) mod pools;
pub(crate) mod port_value;
pub(crate) mod reading;
pub(crate) mod recorder;
pub(crate) mod stream;
pub(crate) mod task;
pub(crate) mod trace;
pub(crate) mod warm_up;
pub(crate) mod written_work;
pub(crate) mod yielding;
