//! The pool itself: everything that happens under its one mutex, and what follows from it once the mutex is
//! released.
//!
//! `pool` has the types: `Pool`, and `Shared`, which is what the mutex guards. Each of the other files adds
//! those methods of the two that belong to one noun. The methods call each other across the files; the
//! imports go one way.

pub(crate) mod actions;
pub(crate) mod affinity;
pub(crate) mod ahead;
pub(crate) mod attach;
pub(crate) mod broadcast;
pub(crate) mod claim;
pub(crate) mod config;
pub(crate) mod handover;
pub(crate) mod held;
pub(crate) mod limited_wait;
pub(crate) mod lock;
pub(crate) mod look;
pub(crate) mod native;
pub(crate) mod on_top;
pub(crate) mod pool;
pub(crate) mod rebalance;
pub(crate) mod reservation;
pub(crate) mod shutdown;
pub(crate) mod size;
pub(crate) mod standing;
pub(crate) mod starts;
pub(crate) mod stats;
pub(crate) mod stop;
pub(crate) mod supervision;
pub(crate) mod suspects;
pub(crate) mod warm_up;
pub(crate) mod worker;
