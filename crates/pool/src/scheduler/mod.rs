//! The pool itself: everything that happens under its one mutex, and what follows from it once the mutex is
//! released.
//!
//! The files here import each other freely, because they are one thing: `Shared` is what the mutex guards,
//! and each file holds the methods of `Pool` and `Shared` that belong to one noun.

pub(crate) mod actions;
pub(crate) mod claim;
pub(crate) mod config;
pub(crate) mod handover;
pub(crate) mod lock;
pub(crate) mod native;
pub(crate) mod pool;
pub(crate) mod rebalance;
pub(crate) mod reservation;
pub(crate) mod shutdown;
pub(crate) mod starts;
pub(crate) mod stats;
pub(crate) mod stop;
pub(crate) mod supervision;
pub(crate) mod worker;
