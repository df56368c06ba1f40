//! The other side: loading plug-ins and running their tasks. No word of JavaScript here.

#[cfg(target_os = "linux")]
mod elf;
mod error;
mod hooks;
mod library;
mod loader;
mod run;

pub use error::LoadError;
pub use library::{Library, PluginTask};
pub use run::{Host, MOST_OUTPUT, PluginError};
