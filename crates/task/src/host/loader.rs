//! The system's loader: files in, handles and the one symbol out.

use super::error::LoadError;
use crate::abi;
use std::error::Error;
use std::path::Path;

/// A library that stays in the process for ever.
pub(super) struct Opened {
    /// The loader's own name for the library: by whatever path a file is opened, it is loaded once and has
    /// one handle.
    pub(super) handle: usize,
    /// Of this very library.
    pub(super) entry: Option<abi::Entry>,
}

/// Opens the library in a file, whose path is without symbolic links.
///
/// # Safety
/// The initialisers of the library run.
pub(super) unsafe fn open(path: &Path) -> Result<Opened, LoadError> {
    let refused = |reason: String| LoadError::NotALibrary { path: path.to_owned(), reason };
    #[cfg(target_os = "linux")]
    if let Some(reason) = super::elf::fault(path) {
        return Err(refused(reason));
    }
    // SAFETY: the caller's promise.
    let library = unsafe { load_now(path) }.map_err(|error| refused(reason_of(&error)))?;
    // SAFETY: by the ABI a symbol of this name has this type.
    let entry = unsafe { library.get::<abi::Entry>(abi::SYMBOL.as_bytes()) }.map(|symbol| *symbol).ok();
    // Never unloaded, not even when it is no plug-in: it may have started threads or registered exit
    // handlers.
    let handle = library.into_raw();
    Ok(Opened { handle: handle as usize, entry: entry.filter(|entry| is_of(path, *entry)) })
}

#[cfg(unix)]
type System = libloading::os::unix::Library;
#[cfg(windows)]
type System = libloading::os::windows::Library;

/// Resolves all symbols at once: one that is missing should fail the load and not, later, the process.
///
/// # Safety
/// The initialisers of the library run.
#[cfg(unix)]
unsafe fn load_now(path: &Path) -> Result<System, libloading::Error> {
    use libloading::os::unix::{RTLD_LOCAL, RTLD_NOW};
    // SAFETY: the caller's promise.
    unsafe { System::open(Some(path), RTLD_NOW | RTLD_LOCAL) }
}

/// # Safety
/// The initialisers of the library run.
#[cfg(windows)]
unsafe fn load_now(path: &Path) -> Result<System, libloading::Error> {
    // SAFETY: the caller's promise.
    unsafe { System::new(path) }
}

/// What the system's loader said, which the error itself does not show.
fn reason_of(error: &libloading::Error) -> String {
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
}

/// Whether the function is of this very library: the loader also looks into the libraries that it needs, of
/// which one may be a plug-in. Files are compared, not paths: the loader keeps the path by which a file came
/// first.
#[cfg(unix)]
fn is_of(path: &Path, entry: abi::Entry) -> bool {
    use std::ffi::{CStr, OsStr};
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::MetadataExt;
    let mut info = std::mem::MaybeUninit::<libc::Dl_info>::zeroed();
    // SAFETY: any address may be asked about; `info` is plain data, and zeroed.
    let info = unsafe {
        if libc::dladdr(entry as *const libc::c_void, info.as_mut_ptr()) == 0 {
            return true;
        }
        info.assume_init()
    };
    if info.dli_fname.is_null() {
        return true;
    }
    // SAFETY: the loader's own name of a library that stays loaded.
    let owner = unsafe { CStr::from_ptr(info.dli_fname) };
    let file = |path: &Path| path.metadata().map(|file| (file.dev(), file.ino()));
    match (file(Path::new(OsStr::from_bytes(owner.to_bytes()))), file(path)) {
        (Ok(owner), Ok(asked)) => owner == asked,
        _ => true, // gone meanwhile
    }
}

#[cfg(windows)]
fn is_of(_path: &Path, _entry: abi::Entry) -> bool {
    true
}
