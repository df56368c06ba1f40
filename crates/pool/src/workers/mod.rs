//! What the pool knows of its workers.

pub(crate) mod crew;
pub(crate) mod lending;
pub(crate) mod pause;
pub(crate) mod registry;
pub(crate) mod standing;
pub(crate) mod starts;
pub(crate) mod state;
pub(crate) mod suspects;
pub(crate) mod warm_up;
