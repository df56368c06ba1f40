//! The side of a worker that its own thread sees: what it claims, holds and settles.

pub(crate) mod callbacks;
pub(crate) mod ending;
mod give_back;
pub(crate) mod held_tasks;
pub(crate) mod loaded_functions;
pub(crate) mod loads;
mod recovering;
mod strays;
mod streams;
pub(crate) mod waits;
pub(crate) mod worker;
