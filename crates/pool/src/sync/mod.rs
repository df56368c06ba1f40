//! What threads wait with, and what runs beside them. Nothing here knows of tasks.

pub(crate) mod background_thread;
pub(crate) mod cache_padded;
pub(crate) mod deadline;
pub(crate) mod linger;
pub(crate) mod parker;
pub(crate) mod primitives;
pub(crate) mod spin;
