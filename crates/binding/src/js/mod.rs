//! Thin, checked wrappers over the N-API calls that the hot paths use. Each returns a [`Fault`] when the
//! call did not succeed; nothing here panics. Values are read in `read.rs`, made in `make.rs` and used in
//! `object.rs`.

#[macro_use]
mod macros;

mod duration;
mod fault;
mod make;
mod object;
mod read;
mod shared;
mod view;

pub(crate) use duration::duration;
pub(crate) use fault::{Env, Fault, OUT_OF_MEMORY, check, no_memory};
pub(crate) use make::*;
pub(crate) use object::*;
pub(crate) use read::*;
pub(crate) use shared::*;
pub(crate) use view::*;
