//! What TypeScript has had written, or has taken apart, on the way to the call that takes it.

use std::cell::{Cell, RefCell};

use crate::js::Fault;
use crate::values::value::Value;

/// One value of an isolate, by a number that goes through TypeScript to the call that takes it. A value
/// that was kept since takes its place.
#[derive(Default)]
pub(crate) struct WrittenSlot {
    value: RefCell<Option<Value>>,
    number: Cell<u32>,
}

impl WrittenSlot {
    pub(crate) fn keep(&self, value: Value) -> u32 {
        let number = self.number.get().wrapping_add(1);
        self.number.set(number);
        *self.value.borrow_mut() = Some(value);
        number
    }

    pub(crate) fn take(&self, number: u32) -> Result<Value, Fault> {
        let value = self.value.borrow_mut().take().filter(|_| number == self.number.get());
        value.ok_or_else(|| Fault::internal("what was written is no longer there"))
    }
}
