//! How a thread that has something to tell an isolate makes its thread look.

pub(crate) mod bell;
pub(crate) mod busy_poll;
pub(crate) mod coalesce;
pub(crate) mod mailbox;
pub(crate) mod spin;
