//! What the pool's generic parts are in this binding: tasks, their functions, and the pools of the process.

pub(crate) mod functions;
pub(crate) mod interner;
pub(crate) mod patience;
pub(crate) mod pool_event;
pub(crate) mod pools;
pub(crate) mod port_value;
pub(crate) mod task;
