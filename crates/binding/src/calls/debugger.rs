//! What lib/pool/debugger.ts calls.

use crate::calls::call::{Answer, Call, nothing};
use crate::js;
use crate::process::message::to_parent;
use crate::process::parent;
use crate::supervision::debugger;

/// `holdClocks(held)`: this thread is paused at a breakpoint, or resumed.
pub(crate) fn hold_clocks(call: &Call<'_>) -> Answer {
    let is_held = call.bool(0)?;
    call.state.breakpoint.set(is_held);
    if let Some(parent) = parent::get() {
        parent.tell(to_parent::PAUSED, |writer| writer.bool(is_held));
    }
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
