//! A host that keeps a log.

use std::sync::{Arc, Condvar, Mutex, OnceLock, Weak};
use std::thread;

use pool::{Host, Kind, Pool, StartFailure};

use super::{Job, LIMIT, serve};

/// What the host was told.
#[derive(Clone, Default)]
pub(crate) struct Log {
    pub(crate) starts: Vec<Kind>,
    pub(crate) ended_starts: Vec<Kind>,
    pub(crate) rooms: usize,
    pub(crate) closed: usize,
    pub(crate) hand_overs: usize,
    /// How often all workers were to be ended.
    pub(crate) ended: usize,
}

/// What the host does when it is asked for a worker.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Start {
    /// Nothing: the test attaches workers by hand.
    Ignore,
    /// Starts a thread that attaches and serves.
    Serve,
    /// Says that it failed.
    Fail,
    Refuse,
}

pub(crate) struct TestHost {
    start: Mutex<Start>,
    log: Mutex<Log>,
    changed: Condvar,
    pool: OnceLock<Weak<Pool<Job>>>,
}

impl TestHost {
    pub(crate) fn new(start: Start) -> Self {
        TestHost {
            start: Mutex::new(start),
            log: Mutex::default(),
            changed: Condvar::new(),
            pool: OnceLock::new(),
        }
    }

    pub(crate) fn belongs_to(&self, pool: &Arc<Pool<Job>>) {
        self.pool.set(Arc::downgrade(pool)).unwrap();
    }

    fn note(&self, change: impl FnOnce(&mut Log)) {
        change(&mut self.log.lock().unwrap());
        self.changed.notify_all();
    }

    /// What it does from now on.
    pub(crate) fn let_start(&self, start: Start) {
        *self.start.lock().unwrap() = start;
    }

    pub(crate) fn log(&self) -> Log {
        self.log.lock().unwrap().clone()
    }

    pub(crate) fn wait(&self, what: &str, done: impl Fn(&Log) -> bool) -> Log {
        let log = self.log.lock().unwrap();
        let (log, late) = self.changed.wait_timeout_while(log, LIMIT, |log| !done(log)).unwrap();
        assert!(!late.timed_out(), "waited in vain: {what}");
        log.clone()
    }
}

impl Host for TestHost {
    fn start_worker(&self, kind: Kind) {
        self.note(|log| log.starts.push(kind));
        let pool = self.pool.get().and_then(Weak::upgrade);
        let start = *self.start.lock().unwrap();
        match (start, pool) {
            (Start::Serve, Some(pool)) => drop(thread::spawn(move || serve(&pool, kind))),
            (Start::Refuse, Some(pool)) => {
                pool.start_failed(kind, Some("no worker".into()), StartFailure::Refused)
            }
            (Start::Fail, Some(pool)) => {
                pool.start_failed(kind, Some("no worker".into()), StartFailure::Died)
            }
            _ => {}
        }
    }

    fn end_starts(&self, kind: Kind) {
        self.note(|log| log.ended_starts.push(kind));
    }

    fn end_workers(&self) {
        self.note(|log| log.ended += 1);
    }

    fn closed(&self) {
        self.note(|log| log.closed += 1);
    }

    fn hand_over(&self) {
        self.note(|log| log.hand_overs += 1);
    }

    fn room(&self) {
        self.note(|log| log.rooms += 1);
    }
}
