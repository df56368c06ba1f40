//! What lib/pool/debugger.ts calls.

use crate::calls::call::{Answer, Call, nothing};
use crate::js;
use crate::supervision::debugger;

/// `holdClocks(held)`: this thread is paused at a breakpoint, or resumed.
pub(crate) fn hold_clocks(call: &Call<'_>) -> Answer {
    call.state.breakpoint.set(call.bool(0)?);
    nothing(call)
}

/// `noteInspector()`: an inspector listens.
pub(crate) fn note_inspector(call: &Call<'_>) -> Answer {
    debugger::note_inspector();
    nothing(call)
}

/// `isInspected()`: whether that was noted.
pub(crate) fn is_inspected(call: &Call<'_>) -> Answer {
    js::boolean(call.env, debugger::is_inspected())
}
