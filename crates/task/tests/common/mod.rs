//! Building plug-ins, and a host that can be told what to do.
#![allow(dead_code)] // no test file uses all of it

use concurrent_futures_task::host::{Host, Library, PluginError, PluginTask};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

pub(crate) const CRATE: &str = env!("CARGO_MANIFEST_DIR");

pub(crate) fn scratch(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

pub(crate) fn succeed(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Compiles C into a library of that name.
pub(crate) fn build_c(source: &Path, name: &str) -> PathBuf {
    let library = scratch(&format!("{name}{}", std::env::consts::DLL_SUFFIX));
    let include = Path::new(CRATE).join("include");
    succeed(
        Command::new("cc")
            .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-O2", "-shared", "-fPIC", "-I"])
            .args([&include, Path::new("-o"), &library, source, Path::new("-lpthread")]),
    );
    library
}

/// Compiles a C text, with the header in front, into a library of that name.
pub(crate) fn build_c_text(text: &str, name: &str) -> PathBuf {
    let source = scratch(&format!("{name}.c"));
    std::fs::write(&source, format!("#include \"concurrent_futures_task.h\"\n{text}\n")).unwrap();
    build_c(&source, name)
}

pub(crate) fn load(path: &Path) -> &'static Library {
    // SAFETY: the tests build their own libraries, none of which breaks the ABI beyond what the host can
    // notice.
    unsafe { Library::load(path) }.unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn task(library: &'static Library, name: &str) -> &'static PluginTask {
    library.tasks().find(|task| task.name() == name).unwrap_or_else(|| panic!("no task {name}"))
}

/// Runs the only task of a library built from a C text.
pub(crate) fn run_c(text: &str, name: &str, input: &[u8], host: &dyn Host) -> Result<Vec<u8>, PluginError> {
    let library = load(&build_c_text(text, name));
    library.tasks().next().unwrap().run(input, host)
}

/// Cancels when told to, as the pool would.
#[derive(Default)]
pub(crate) struct TestHost {
    pub(crate) flag: AtomicU8,
    pub(crate) hooks: Mutex<Vec<Box<dyn FnOnce() + Send>>>,
    pub(crate) progress: Mutex<Vec<Vec<u8>>>,
    pub(crate) remaining: Option<Duration>,
}

impl TestHost {
    pub(crate) fn cancel(&self) {
        let mut hooks = self.hooks.lock().unwrap();
        self.flag.store(1, Ordering::Relaxed);
        let waiting = std::mem::take(&mut *hooks);
        drop(hooks);
        for hook in waiting {
            hook();
        }
    }
}

impl Host for TestHost {
    fn cancel_flag(&self) -> &AtomicU8 {
        &self.flag
    }

    fn on_cancel(&self, hook: Box<dyn FnOnce() + Send>) {
        let mut hooks = self.hooks.lock().unwrap();
        if self.flag.load(Ordering::Relaxed) != 0 {
            drop(hooks);
            hook();
        } else {
            hooks.push(hook);
        }
    }

    fn progress(&self, bytes: Vec<u8>) {
        self.progress.lock().unwrap().push(bytes);
    }

    fn remaining(&self) -> Option<Duration> {
        self.remaining
    }
}

/// Runs a task and cancels it some time after it has begun; gives up loudly if that does not end it.
pub(crate) fn run_and_cancel(
    task: &PluginTask,
    input: &[u8],
    after: Duration,
) -> Result<Vec<u8>, PluginError> {
    let host = TestHost::default();
    std::thread::scope(|scope| {
        let running = scope.spawn(|| task.run(input, &host));
        std::thread::sleep(after);
        assert!(!running.is_finished(), "it ended by itself");
        host.cancel();
        running.join().unwrap()
    })
}
