//! Why a plug-in cannot be loaded.

use crate::abi;
use std::error::Error;
use std::fmt;
use std::path::PathBuf;

/// Why a library cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadError {
    /// There is no such file, or it cannot be read.
    Missing { path: PathBuf, reason: String },
    /// The system's loader refuses the file: no library, one for another system, or one of its own needs is
    /// missing.
    NotALibrary { path: PathBuf, reason: String },
    /// A library, but not a plug-in: it does not export `concurrent_futures_tasks`.
    Foreign { path: PathBuf },
    /// The plug-in was made for a newer version of the ABI than this host speaks.
    Incompatible { path: PathBuf },
    /// The table of the plug-in makes no sense.
    Malformed { path: PathBuf, reason: String },
}

impl fmt::Display for LoadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { path, reason } => write!(formatter, "cannot read {}: {reason}", path.display()),
            Self::NotALibrary { path, reason } => {
                write!(formatter, "{} is not a library that can be loaded here: {reason}", path.display())
            }
            Self::Foreign { path } => {
                write!(formatter, "{} is not a plug-in: it does not export {}", path.display(), abi::SYMBOL)
            }
            Self::Incompatible { path } => write!(
                formatter,
                "{} needs a newer host than this one, which speaks version {} of the ABI",
                path.display(),
                abi::ABI
            ),
            Self::Malformed { path, reason } => {
                write!(formatter, "the task table of {} is malformed: {reason}", path.display())
            }
        }
    }
}

impl Error for LoadError {}
