//! What the pool knows of its workers.

pub(crate) mod registry;
pub(crate) mod starts;
