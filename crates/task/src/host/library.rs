//! Loading a plug-in and reading its table. Everything in the table is checked once, here, and copied.

use super::error::LoadError;
use super::loader;
use super::run::{Host, PluginError, run};
use crate::abi;
use std::collections::{HashMap, HashSet};
use std::ffi::{CStr, c_char};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};

/// More tasks than any library has; a count above it comes from a table that is none.
const MAX_TASKS: usize = 65_536;

/// Larger than any struct of the ABI will ever be; a size above it comes from a table that is none.
const MAX_STRUCT_SIZE: usize = 4096;

/// A loaded plug-in. It stays loaded until the process ends: its tasks may have started threads, whose code
/// must not disappear.
#[derive(Debug)]
pub struct Library {
    path: PathBuf,
    tasks: Vec<PluginTask>,
}

/// One task of a plug-in.
#[derive(Debug)]
pub struct PluginTask {
    name: String,
    function: abi::RunFunction,
}

/// What has been loaded, for as long as the process lives.
#[derive(Default)]
struct Libraries {
    /// Without symbolic links.
    by_path: HashMap<PathBuf, &'static Library>,
    /// By the loader's handle: two paths may lead to one file.
    by_handle: HashMap<usize, &'static Library>,
}

impl Library {
    /// Loads a plug-in, or finds it among those already loaded from the same file.
    ///
    /// # Errors
    /// See [`LoadError`].
    ///
    /// # Safety
    /// The code of the library runs in this process, now and in every [`PluginTask::run`]. The caller vouches
    /// that it keeps the rules of the ABI as stated in `concurrent_futures_task.h`, if it exports the ABI's
    /// symbol.
    pub unsafe fn load(path: impl AsRef<Path>) -> Result<&'static Self, LoadError> {
        // Held while loading, so that two threads do not load the same file twice.
        static LIBRARIES: LazyLock<Mutex<Libraries>> = LazyLock::new(Mutex::default);
        let missing = |reason: String| LoadError::Missing { path: path.as_ref().to_owned(), reason };
        let path = path.as_ref().canonicalize().map_err(|error| missing(error.to_string()))?;
        if !path.is_file() {
            return Err(missing("not a file".into()));
        }
        let mut libraries = LIBRARIES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(library) = libraries.by_path.get(&path) {
            return Ok(library);
        }
        // SAFETY: the caller's promise.
        let opened = unsafe { loader::open(&path) }?;
        // A hard link, or a file that was renamed, is a library that the loader knows already.
        let known = libraries.by_handle.get(&opened.handle).copied();
        let library = match known {
            Some(library) => library,
            None => {
                let entry = opened.entry.ok_or_else(|| LoadError::Foreign { path: path.clone() })?;
                // SAFETY: the caller's promise, and `open` never unloads.
                let tasks = unsafe { read_tasks(&path, entry) }?;
                Box::leak(Box::new(Self { path: path.clone(), tasks }))
            }
        };
        libraries.by_handle.insert(opened.handle, library);
        libraries.by_path.insert(path, library);
        Ok(library)
    }

    /// Where it was first loaded from, without symbolic links.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The tasks, in the order of the plug-in's table.
    pub fn tasks(&'static self) -> impl ExactSizeIterator<Item = &'static PluginTask> {
        self.tasks.iter()
    }
}

impl PluginTask {
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs the task on the calling thread until it returns by itself.
    ///
    /// # Errors
    /// See [`PluginError`].
    pub fn run(&self, input: &[u8], host: &dyn Host) -> Result<Vec<u8>, PluginError> {
        // SAFETY: who loaded the library has vouched for its functions.
        unsafe { run(self.function, input, host) }
    }
}

/// # Safety
/// `entry` must be as the ABI says, of a library that stays loaded.
unsafe fn read_tasks(path: &Path, entry: abi::Entry) -> Result<Vec<PluginTask>, LoadError> {
    // SAFETY: the library stays loaded, and by the ABI this may be called at any time.
    let table = unsafe { entry(abi::ABI) };
    if table.is_null() {
        return Err(LoadError::Incompatible { path: path.to_owned() });
    }
    // SAFETY: the caller's promise: the table comes from the symbol of the ABI.
    unsafe { read_table(table) }.map_err(|reason| LoadError::Malformed { path: path.to_owned(), reason })
}

/// # Safety
/// `table` must be as the ABI says, or at least: a readable table whose `size` and `abi` tell that it is not.
unsafe fn read_table(table: *const abi::TaskTable) -> Result<Vec<PluginTask>, String> {
    // SAFETY: every version of the struct starts with these two fields.
    let (size, version) = unsafe { (read(&raw const (*table).size), read(&raw const (*table).abi)) };
    check_struct("table", size, version, size_of::<abi::TaskTable>())?;
    // SAFETY: by its size the table reaches to the end of this version's fields.
    let (first, count) = unsafe { (read(&raw const (*table).tasks), read(&raw const (*table).count)) };
    if count == 0 || first.is_null() {
        return Err("it has no tasks".into());
    }
    if count > MAX_TASKS {
        return Err(format!("it claims to have {count} tasks"));
    }
    // The plug-in may have been made with a longer struct than ours: its own size is the distance between
    // two.
    // SAFETY: by `count` there is a first task, and every version of the struct starts with its size.
    let stride = unsafe { read(&raw const (*first).size) };
    let mut tasks = Vec::with_capacity(count);
    let mut names = HashSet::new();
    for i in 0..count {
        // SAFETY: by the ABI there are `count` tasks of that size in a row. (The first turn checks the size.)
        let task = unsafe { first.byte_add(i * stride as usize) };
        // SAFETY: as above.
        let task = unsafe { read_task(task, stride) }.map_err(|reason| format!("task {i}: {reason}"))?;
        if !names.insert(task.name.clone()) {
            return Err(format!("two tasks have the name {}", task.name));
        }
        tasks.push(task);
    }
    Ok(tasks)
}

/// # Safety
/// `task` must point to a task of the ABI that is `stride` bytes long, if its `size` and `abi` say so.
unsafe fn read_task(task: *const abi::Task, stride: u32) -> Result<PluginTask, String> {
    // SAFETY: every version of the struct starts with these two fields.
    let (size, version) = unsafe { (read(&raw const (*task).size), read(&raw const (*task).abi)) };
    check_struct("struct", size, version, size_of::<abi::Task>())?;
    if size != stride {
        return Err(format!("its size is {size}, that of the first one is {stride}"));
    }
    // SAFETY: by its size the task reaches to the end of this version's fields.
    let (name, function) = unsafe { (read(&raw const (*task).name), read(&raw const (*task).run)) };
    let function = function.ok_or("it has no function")?;
    if name.is_null() {
        return Err("it has no name".into());
    }
    // SAFETY: by the ABI the name ends with NUL.
    let name = unsafe { read_name(name) }.ok_or("its name is too long")?;
    let name = str::from_utf8(name).map_err(|_| "its name is not UTF-8")?;
    if name.is_empty() {
        return Err("its name is empty".into());
    }
    Ok(PluginTask { name: name.to_owned(), function })
}

fn check_struct(what: &str, size: u32, version: u32, at_least: usize) -> Result<(), String> {
    if !(1..=abi::ABI).contains(&version) {
        return Err(format!("the {what} claims version {version} of the ABI"));
    }
    let plausible = at_least..=MAX_STRUCT_SIZE;
    if !plausible.contains(&(size as usize)) || !(size as usize).is_multiple_of(align_of::<usize>()) {
        return Err(format!("the {what} claims a size of {size} bytes"));
    }
    Ok(())
}

/// The bytes up to the terminator, or `None` when that is further away than a name may be long.
///
/// # Safety
/// `name` must end with NUL or have more than `MAX_NAME_LENGTH` bytes, and never change.
unsafe fn read_name(name: *const c_char) -> Option<&'static [u8]> {
    // SAFETY: nothing is read beyond the first NUL, nor beyond the bytes that the caller promises.
    let terminated = (0..=abi::MAX_NAME_LENGTH).any(|i| unsafe { *name.add(i) } == 0);
    // SAFETY: there is a NUL, and the caller promises that nothing changes.
    terminated.then(|| unsafe { CStr::from_ptr(name) }.to_bytes())
}

/// # Safety
/// `field` must be readable and hold a valid `T`.
unsafe fn read<T: Copy>(field: *const T) -> T {
    // Unaligned, as nothing else can be said about a table before its fields have been looked at.
    // SAFETY: the caller's promise.
    unsafe { field.read_unaligned() }
}
