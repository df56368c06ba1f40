//! What N-API does not offer: symbols of V8 and libuv, each beside its use.

pub(crate) mod async_frame;
pub(crate) mod backing_store;
pub(crate) mod cpp;
pub(crate) mod event_loop;
pub(crate) mod interrupts;
pub(crate) mod library;
pub(crate) mod serializer;
mod shared_ptr;
pub(crate) mod stack_room;
pub(crate) mod threadsafe_bell;
pub(crate) mod uv;
pub(crate) mod v8;
