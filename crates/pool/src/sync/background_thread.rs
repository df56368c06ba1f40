//! A thread of the process that is started when it is first needed, and never ends.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Such a thread, by its name and what it runs.
pub struct BackgroundThread {
    name: &'static str,
    run: fn(),
    // ORDERING: only tells that there is no need to start it; what the thread shares is under mutexes of its own.
    runs: AtomicBool,
    starting: Mutex<()>,
}

impl BackgroundThread {
    #[must_use]
    pub const fn new(name: &'static str, run: fn()) -> Self {
        BackgroundThread { name, run, runs: AtomicBool::new(false), starting: Mutex::new(()) }
    }

    /// Starts the thread, if it does not run yet. Cheap once it does.
    ///
    /// # Errors
    /// The system's, if it refuses a thread. The next call tries again.
    pub fn start(&self) -> io::Result<()> {
        if self.runs.load(Ordering::Relaxed) {
            return Ok(());
        }
        let _starting = self.starting.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.runs.load(Ordering::Relaxed) {
            thread::Builder::new().name(self.name.into()).spawn(self.run)?;
            self.runs.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn it_is_started_once_however_many_ask() {
        static STARTS: AtomicUsize = AtomicUsize::new(0);
        static SERVICE: BackgroundThread = BackgroundThread::new("test", || {
            STARTS.fetch_add(1, Ordering::SeqCst);
        });
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| SERVICE.start().unwrap());
            }
        });
        while STARTS.load(Ordering::SeqCst) == 0 {
            thread::yield_now();
        }
        SERVICE.start().unwrap();
        assert_eq!(STARTS.load(Ordering::SeqCst), 1);
    }
}
