//! What the pool knows of its workers.

pub(crate) mod pause;
pub(crate) mod registry;
pub(crate) mod starts;
pub(crate) mod state;
pub(crate) mod suspects;
