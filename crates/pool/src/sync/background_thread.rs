//! Threads that watch something on behalf of the whole process: one for each purpose, started when it is
//! first needed, and never ended.
//!
//! The body of such a thread is a loop: it looks at what it watches, does what is due, and sleeps until there
//! may be more. What it watches is guarded by locks of its own; here is only how it is started, how it
//! sleeps, and who wakes it. There are two ways to sleep:
//!
//! - [`BackgroundThread::park`], until a time or until [`BackgroundThread::notify`]: for a thread that knows
//!   when something is due next. A notification that comes while the thread is awake is kept for its next
//!   `park`. So whoever first changes what the thread watches, and then notifies it, is seen.
//! - [`BackgroundThread::park_unless`], until [`BackgroundThread::notify_if_parked`]: for a thread that looks
//!   in intervals as long as there is anything to watch. While it is awake a notification costs its sender a
//!   fence and a load, because the thread will look once more anyway.
//!
//! It uses std's primitives, not the model's: such a thread outlives every model.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

/// A thread of the process, by its name and what it runs. To be kept in a `static`.
pub struct BackgroundThread {
    name: &'static str,
    run: fn(),
    // ORDERING: only tells that there is no need to start it; what the thread shares is under mutexes of its
    // own.
    is_started: AtomicBool,
    starting: Mutex<()>,
    /// Whether a notification waits for the thread's next `park`.
    notified: Mutex<bool>,
    woken: Condvar,
    /// Whether the thread sleeps in `park_unless`, or is about to.
    // ORDERING: see `notify_if_parked`.
    is_parked: AtomicBool,
}

impl BackgroundThread {
    /// Names a thread; nothing is started yet. `run` must neither return nor panic.
    #[must_use]
    pub const fn new(name: &'static str, run: fn()) -> Self {
        BackgroundThread {
            name,
            run,
            is_started: AtomicBool::new(false),
            starting: Mutex::new(()),
            notified: Mutex::new(false),
            woken: Condvar::new(),
            is_parked: AtomicBool::new(false),
        }
    }

    /// Starts the thread, if it does not run yet. Costs one load once it does.
    ///
    /// # Errors
    /// The system's, if it refuses a thread. The next call tries again.
    pub fn start(&self) -> io::Result<()> {
        if self.is_started() {
            return Ok(());
        }
        let _starting = self.starting.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.is_started() {
            thread::Builder::new().name(self.name.into()).spawn(self.run)?;
            self.is_started.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Whether the thread runs.
    #[must_use]
    pub fn is_started(&self) -> bool {
        self.is_started.load(Ordering::Relaxed)
    }

    /// Ends the thread's [`park`](Self::park), or its next one. Starts the thread if it does not run yet.
    ///
    /// # Errors
    /// See [`start`](Self::start).
    pub fn notify(&self) -> io::Result<()> {
        self.start()?;
        self.wake();
        Ok(())
    }

    /// Ends the thread's [`park_unless`](Self::park_unless), if it is in one, and starts the thread if it
    /// does not run yet. The caller has made the condition true before.
    ///
    /// # Errors
    /// See [`start`](Self::start).
    pub fn notify_if_parked(&self) -> io::Result<()> {
        // ORDERING: the thread notes that it parks, and then looks at the condition; the caller has made the
        // condition true, and now looks at that note. With a fence between the two on either side one of them
        // sees the other.
        fence(Ordering::SeqCst);
        if self.is_parked.load(Ordering::Relaxed) {
            self.wake();
            return Ok(());
        }
        self.start()
    }

    /// For the thread itself: sleeps until it is notified, or until `deadline`. True if it was notified,
    /// perhaps before it came here.
    pub fn park(&self, deadline: Option<Instant>) -> bool {
        let mut notified = self.lock();
        while !*notified {
            notified = match deadline.map(|at| at.saturating_duration_since(Instant::now())) {
                None => self.woken.wait(notified).unwrap_or_else(PoisonError::into_inner),
                Some(left) if left.is_zero() => return false,
                Some(left) => {
                    self.woken.wait_timeout(notified, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        std::mem::take(&mut *notified)
    }

    /// For the thread itself, which has found nothing to watch: sleeps until it is notified, unless the
    /// condition is true by now. May also return for no reason. Afterwards the thread looks again.
    pub fn park_unless(&self, has_more: impl FnOnce() -> bool) {
        self.is_parked.store(true, Ordering::Relaxed);
        // ORDERING: see `notify_if_parked`.
        fence(Ordering::SeqCst);
        if !has_more() {
            self.park(None);
        }
        self.is_parked.store(false, Ordering::Relaxed);
    }

    fn wake(&self) {
        let mut notified = self.lock();
        let was_notified = std::mem::replace(&mut *notified, true);
        // Nobody else needs to take this mutex until the thread parks again.
        self.is_parked.store(false, Ordering::Relaxed);
        drop(notified);
        if !was_notified {
            self.woken.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.notified.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    /// Far beyond what a busy machine needs.
    const LIMIT: Duration = Duration::from_secs(30);

    #[test]
    fn it_is_started_once_however_many_ask() {
        static STARTS: AtomicUsize = AtomicUsize::new(0);
        static THREAD: BackgroundThread = BackgroundThread::new("test", || {
            STARTS.fetch_add(1, Ordering::SeqCst);
        });
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| THREAD.start().unwrap());
            }
        });
        while STARTS.load(Ordering::SeqCst) == 0 {
            thread::yield_now();
        }
        THREAD.start().unwrap();
        assert_eq!(STARTS.load(Ordering::SeqCst), 1);
    }

    /// The thread of a test is the background thread here.
    fn never_started() -> BackgroundThread {
        let thread = BackgroundThread::new("test", || {});
        thread.is_started.store(true, Ordering::Relaxed);
        thread
    }

    #[test]
    fn a_notification_that_comes_first_is_found_by_the_next_park_and_by_no_other() {
        let thread = never_started();
        thread.notify().unwrap();
        thread.notify().unwrap();
        assert!(thread.park(None));
        assert!(!thread.park(Some(Instant::now())));
    }

    #[test]
    fn a_parked_thread_is_woken_by_a_notification() {
        let thread = never_started();
        let (woken, is_woken) = mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(|| woken.send(thread.park(Some(Instant::now() + LIMIT))).unwrap());
            thread.notify().unwrap();
            assert!(is_woken.recv_timeout(LIMIT).unwrap());
        });
    }

    #[test]
    fn a_thread_that_has_nothing_more_to_watch_is_woken_by_what_comes_however_the_two_meet() {
        for _ in 0..2_000 {
            let thread = never_started();
            let work = AtomicBool::new(false);
            thread::scope(|scope| {
                scope.spawn(|| {
                    work.store(true, Ordering::Relaxed);
                    thread.notify_if_parked().unwrap();
                });
                while !work.load(Ordering::Relaxed) {
                    thread.park_unless(|| work.load(Ordering::Relaxed));
                }
            });
        }
    }

    #[test]
    fn one_that_is_awake_is_left_alone() {
        let thread = never_started();
        thread.notify_if_parked().unwrap();
        assert!(!thread.park(Some(Instant::now())));
        thread.park_unless(|| true);
        assert!(!thread.park(Some(Instant::now())));
    }
}
