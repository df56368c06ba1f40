//! Where tasks are that no worker has claimed yet. Nothing here knows the pool, or what its workers are
//! doing.

pub(crate) mod broadcasts;
pub(crate) mod inbox;
pub(crate) mod keyed;
pub(crate) mod lane;
pub(crate) mod suspected;
pub(crate) mod task_queue;
pub(crate) mod transit;
pub(crate) mod unused_keys;
