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
        let sent = match sharing::message(value) {
            Ok(body) => self.have_done(Request::Share, |writer| writer.append(body)),
            Err(_) => Err(Fault::internal("the shared value cannot leave its process")),
        };
        sent.inspect_err(|_| {
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
