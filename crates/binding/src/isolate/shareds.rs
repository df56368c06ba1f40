//! The shared values of an isolate: those that it has shared, and those that it has made anew for its tasks.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::{Arc, Weak};

use napi::sys;

use crate::js::{self, Env, Fault};
use crate::process::parent;
use crate::tasks::task::JsMailbox;
use crate::values::shared_use::SharedUse;
use crate::values::shared_value::{self, SharedReader, SharedValue};
use crate::values::writing;

/// One that this isolate has shared, or keeps for the `initargs` of an executor.
struct Kept {
    value: Arc<SharedValue>,
    uses: u32,
}

#[derive(Default)]
pub(crate) struct Shareds {
    kept: RefCell<HashMap<u64, Kept>>,
    /// By number, each the only element of an array: a primitive has no reference.
    made: RefCell<HashMap<u64, sys::napi_ref>>,
    /// `unpack(form, data)` of lib/values/codec.ts, where values are made.
    unpack: Cell<Option<sys::napi_ref>>,
}

impl Shareds {
    pub(crate) fn set_unpack(&self, unpack: sys::napi_ref) {
        self.unpack.set(Some(unpack));
    }

    /// Keeps the value until [`release`](Self::release) was called as often as this.
    pub(crate) fn keep(&self, value: Arc<SharedValue>) {
        let mut kept = self.kept.borrow_mut();
        kept.entry(value.number()).or_insert(Kept { value, uses: 0 }).uses += 1;
    }

    pub(crate) fn find(&self, number: u64) -> Option<Arc<SharedValue>> {
        self.kept.borrow().get(&number).map(|kept| kept.value.clone())
    }

    pub(crate) fn release(&self, number: u64) {
        let mut kept = self.kept.borrow_mut();
        let Some(entry) = kept.get_mut(&number) else { return };
        entry.uses -= 1;
        let last = if entry.uses == 0 { kept.remove(&number) } else { None };
        // After the borrow: others are told.
        drop(kept);
        if let Some(last) = last {
            let_go(&last.value);
        }
    }

    /// The isolate ends.
    pub(crate) fn release_all(&self) {
        let kept = std::mem::take(&mut *self.kept.borrow_mut());
        kept.into_values().for_each(|kept| let_go(&kept.value));
    }

    /// The value as this isolate has made it; it is made at the first call.
    pub(crate) fn value_of(
        &self,
        env: Env,
        mailbox: &Arc<JsMailbox>,
        shared: &dyn SharedUse,
    ) -> Result<sys::napi_value, Fault> {
        let number = shared.number();
        let found = self.made.borrow().get(&number).copied();
        if let Some(holder) = found {
            return js::element(env, js::deref(env, holder)?, 0);
        }
        let gone = || Fault::internal("a shared value is not there any more");
        let value = shared_value::find(number).ok_or_else(gone)?;
        let unpack = self.unpack.get().ok_or_else(|| Fault::internal("no values are made here"))?;
        let (form, data) = writing::write_again(env, value.packed())?;
        let made = js::call(env, js::deref(env, unpack)?, &[js::int(env, i32::from(form))?, data])?;
        let holder = js::array(env)?;
        js::set_element(env, holder, 0, made)?;
        let reference = js::reference(env, holder)?;
        let before = self.made.borrow_mut().insert(number, reference);
        // Made meanwhile, by code that making it has run.
        before.map_or(Ok(()), |before| js::release_reference(env, before))?;
        value.add_reader(Arc::downgrade(mailbox) as Weak<dyn SharedReader>);
        Ok(made)
    }

    /// The value has gone, and what was made of it goes.
    pub(crate) fn forget(&self, env: Env, number: u64) {
        let reference = self.made.borrow_mut().remove(&number);
        let _ = reference.map(|reference| js::release_reference(env, reference));
    }
}

/// The isolate lets a value go that it has shared: the pool's process is told, which may keep it as well.
fn let_go(value: &SharedValue) {
    if let Some(parent) = parent::get() {
        parent.unshare(value.number());
    }
}
