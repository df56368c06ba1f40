//! A task, its future, and what the pool's user supplies for them. Nothing here knows of queues, the workers'
//! registry or the pool.

pub(crate) mod control;
pub(crate) mod key;
pub(crate) mod limits;
pub(crate) mod outcome;
pub(crate) mod spec;
pub(crate) mod states;
pub(crate) mod task;
pub(crate) mod work;
