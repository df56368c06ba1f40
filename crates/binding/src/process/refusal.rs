//! Why a pool takes no task, as a number.

use pool::Refusal;

use crate::tasks::task::JsWork;

pub(crate) const NONE: u8 = 0;
pub(crate) const FULL: u8 = 1;
pub(crate) const SHUT_DOWN: u8 = 2;
pub(crate) const BROKEN: u8 = 3;
pub(crate) const NO_CLOCK: u8 = 4;

pub(crate) fn code_of(refusal: &Refusal<JsWork>) -> u8 {
    match refusal {
        Refusal::Full => FULL,
        Refusal::ShutDown => SHUT_DOWN,
        Refusal::Broken { .. } => BROKEN,
        Refusal::NoClock => NO_CLOCK,
    }
}
