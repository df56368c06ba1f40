//! A no-op on libuv's threads, as napi-rs offers it: `AsyncTask`.

use napi::bindgen_prelude::AsyncTask;
use napi::{Env, Result, Task};
use napi_derive::napi;

pub struct Noop;

impl Task for Noop {
    type Output = u32;
    type JsValue = u32;

    fn compute(&mut self) -> Result<u32> {
        Ok(0)
    }

    fn resolve(&mut self, _env: Env, output: u32) -> Result<u32> {
        Ok(output)
    }
}

#[napi]
pub fn noop() -> AsyncTask<Noop> {
    AsyncTask::new(Noop)
}
