//! An isolate that has loaded the package: what the binding keeps for it, and what its thread does when it
//! is called.

pub(crate) mod blocking_wait;
mod callback;
mod child_wait;
pub(crate) mod deliver;
pub(crate) mod delivery_pace;
pub(crate) mod errand;
pub(crate) mod futures;
pub(crate) mod header;
pub(crate) mod pace;
mod parking;
pub(crate) mod row;
pub(crate) mod run;
pub(crate) mod serve;
pub(crate) mod shareds;
pub(crate) mod slice;
pub(crate) mod state;
pub(crate) mod stint;
pub(crate) mod stretch;
pub(crate) mod turn;
