//! What a child tells the pool's process of the values that its own tasks have shared.

use std::sync::Arc;

use crate::js::Fault;
use crate::process::message::{Request, to_parent};
use crate::process::parent::Parent;
use crate::process::sharing;
use crate::values::shared_use::SharedUse;
use crate::values::shared_value::SharedValue;

impl Parent {
    /// Has the pool's process keep a value, unless it does already.
    pub(crate) fn share(&self, value: &Arc<SharedValue>) -> Result<(), Fault> {
        let number = value.number();
        if !self.sharing.begin(number) {
            return Ok(());
        }
        let kept = match sharing::message(value) {
            Ok(body) => self.ask(Request::Share, |writer| writer.append(body)),
            Err(why) => Err(why.into()),
        };
        let kept =
            kept.and_then(|is_kept| if is_kept { Ok(()) } else { Err(Fault::no_memory(value.bytes())) });
        kept.inspect_err(|_| {
            self.sharing.end(number);
        })
    }

    /// The isolate that has shared it lets it go.
    pub(crate) fn unshare(&self, number: u64) {
        if self.sharing.end(number) {
            self.tell(to_parent::UNSHARE, |writer| writer.u64(number));
        }
    }
}
