//! Values that no isolate owns: how they are read out of one isolate and written into another.

pub(crate) mod args_reader;
pub(crate) mod array_keys;
pub(crate) mod bytes;
pub(crate) mod elements;
pub(crate) mod failure;
pub(crate) mod lent;
pub(crate) mod plain;
pub(crate) mod port;
pub(crate) mod reading;
pub(crate) mod recycled;
pub(crate) mod room;
pub(crate) mod shared_use;
pub(crate) mod shared_value;
pub(crate) mod text;
pub(crate) mod value;
mod value_reader;
mod value_writer;
pub(crate) mod wire;
pub(crate) mod wire_parts;
pub(crate) mod wire_reader;
pub(crate) mod writing;
pub(crate) mod written;
