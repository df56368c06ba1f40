//! Work made of closures, a host that keeps a log, and workers driven by threads of the test.
#![allow(dead_code, unused_imports)] // each test file uses its part

mod gate;
mod host;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use pool::{
    Config, Control, Failure, Kind, Next, Parker, Pool, Spec, Task, TimeLimit, Work, Worker, WorkerLink,
};

pub(crate) use gate::{Gate, Random, at_gate};
pub(crate) use host::{Log, Start, TestHost};

/// How long a test waits for what must happen. Far beyond what a busy machine needs.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);
/// A time in which nothing should happen, where only waiting can tell.
pub(crate) const QUIET: Duration = Duration::from_millis(30);

pub(crate) type Body = Box<dyn FnOnce(Option<&Control<'_, Job>>) -> Result<u64, String> + Send>;

pub(crate) struct Job(pub(crate) Body);

/// How often the task was announced, and its label.
#[derive(Default)]
pub(crate) struct Watch {
    pub(crate) label: u64,
    pub(crate) settled: AtomicUsize,
}

impl Work for Job {
    type Value = u64;
    type Error = String;
    type Exit = i32;
    type Owner = Arc<Watch>;

    fn run(self, control: &Control<'_, Self>) -> Result<u64, String> {
        (self.0)(Some(control))
    }

    fn settled(task: &Arc<Task<Self>>, _at: Instant) {
        assert!(task.state().is_settled());
        task.owner().settled.fetch_add(1, Ordering::SeqCst);
    }
}

pub(crate) fn spec(kind: Kind, label: u64, body: impl FnOnce() -> u64 + Send + 'static) -> Spec<Job> {
    with_control(kind, label, move |_| Ok(body()))
}

pub(crate) fn with_control(
    kind: Kind,
    label: u64,
    body: impl FnOnce(Option<&Control<'_, Job>>) -> Result<u64, String> + Send + 'static,
) -> Spec<Job> {
    Spec::new(kind, Job(Box::new(body)), Arc::new(Watch { label, ..Watch::default() }))
}

/// A task that does nothing.
pub(crate) fn noop(kind: Kind, label: u64) -> Spec<Job> {
    spec(kind, label, move || label)
}

pub(crate) fn submit(pool: &Arc<Pool<Job>>, spec: Spec<Job>) -> Arc<Task<Job>> {
    pool.submit(spec).unwrap_or_else(|refused| panic!("refused: {}", reason(&refused.reason)))
}

pub(crate) fn reason(reason: &pool::Refusal<Job>) -> &'static str {
    match reason {
        pool::Refusal::Full => "full",
        pool::Refusal::ShutDown => "shut down",
        pool::Refusal::NoClock => "no clock",
        pool::Refusal::Broken { .. } => "broken",
    }
}

pub(crate) fn wait(task: &Arc<Task<Job>>) {
    assert!(task.wait_until(Some(Instant::now() + LIMIT)), "task {} did not settle", task.id());
}

/// Waits for the outcome and gives it in words.
pub(crate) fn outcome(task: &Arc<Task<Job>>) -> String {
    wait(task);
    match task.take_outcome() {
        None => "taken".into(),
        Some(Ok(value)) => format!("value {value}"),
        Some(Err(Failure::Threw(error))) => format!("threw {error}"),
        Some(Err(Failure::Panicked(message))) => format!("panicked {message}"),
        Some(Err(Failure::Cancelled)) => "cancelled".into(),
        Some(Err(Failure::TimedOut { limit, trace })) => match limit {
            TimeLimit::Queue => "expired".into(),
            TimeLimit::Run => format!("timed out {}", trace.unwrap_or_default()),
            TimeLimit::Total => format!("out of time {}", trace.unwrap_or_default()),
        },
        Some(Err(Failure::Lost { exit, cause })) => {
            format!("lost {} {}", exit.unwrap_or_default(), cause.unwrap_or_default())
        }
        Some(Err(Failure::Broken { cause })) => format!("broken {}", cause.unwrap_or_default()),
    }
}

pub(crate) fn pool_with(start: Start, config: Config) -> (Arc<Pool<Job>>, Arc<TestHost>) {
    let host = Arc::new(TestHost::new(start));
    let pool = Pool::new(config, host.clone());
    host.belongs_to(&pool);
    (pool, host)
}

/// A pool whose isolate workers are attached by hand.
pub(crate) fn by_hand(config: Config) -> (Arc<Pool<Job>>, Arc<TestHost>) {
    pool_with(Start::Ignore, config)
}

pub(crate) fn workers(max_workers: usize) -> Config {
    Config { max_workers, ..Config::default() }
}

/// The link of a worker by hand: counts what it is told.
#[derive(Default)]
pub(crate) struct Link {
    pub(crate) parker: Parker,
    pub(crate) wakes: AtomicUsize,
    pub(crate) stopped: Mutex<Vec<u64>>,
    /// Whether what is submitted comes from others than the tasks of this worker.
    pub(crate) submits_nothing: AtomicBool,
    /// The tasks whose time is over, and whether nothing comes of that.
    pub(crate) expired: Mutex<Vec<u64>>,
    pub(crate) lets_expire: AtomicBool,
}

impl Link {
    pub(crate) fn wakes(&self) -> usize {
        self.wakes.load(Ordering::SeqCst)
    }
}

impl WorkerLink<Job> for Link {
    fn wake(&self) {
        self.wakes.fetch_add(1, Ordering::SeqCst);
        self.parker.unpark();
    }

    fn stop(&self, task: &Arc<Task<Job>>) {
        self.stopped.lock().unwrap().push(task.id());
    }

    fn expire(&self, task: &Arc<Task<Job>>) {
        self.expired.lock().unwrap().push(task.id());
        if !self.lets_expire.load(Ordering::SeqCst) && task.time_out(None) {
            self.stop(task);
        }
    }

    fn has_submitted(&self, _task: &Task<Job>) -> bool {
        !self.submits_nothing.load(Ordering::SeqCst)
    }
}

pub(crate) fn attach(pool: &Arc<Pool<Job>>, kind: Kind) -> (Worker<Job>, Arc<Link>) {
    let link = Arc::new(Link::default());
    (pool.attach(kind, link.clone()), link)
}

/// Says in a word what a claim gave.
pub(crate) fn word(next: &Next<Job>) -> String {
    match next {
        Next::Run(task, _) => format!("run {}", task.owner().label),
        Next::Prepare(needs) => format!("prepare {needs}"),
        Next::Nothing => "nothing".into(),
        Next::Leave => "leave".into(),
    }
}

pub(crate) fn all_ready(_: u32) -> bool {
    true
}

/// Claims, and says what it gave.
pub(crate) fn ask(worker: &Worker<Job>) -> String {
    word(&worker.next(&all_ready))
}

/// Claims a task that must be there.
pub(crate) fn take(worker: &Worker<Job>) -> Arc<Task<Job>> {
    match worker.next(&all_ready) {
        Next::Run(task, _) => task,
        other => panic!("expected a task, got {}", word(&other)),
    }
}

/// Settles `task` and claims the next.
pub(crate) fn turn(worker: &Worker<Job>, task: &Arc<Task<Job>>) -> String {
    word(&worker.turn(Some((task, Ok(task.owner().label))), &all_ready))
}

/// What the thread of an isolate does, in the small.
pub(crate) fn serve(pool: &Arc<Pool<Job>>, kind: Kind) {
    let (worker, link) = attach(pool, kind);
    let mut next = worker.next(&all_ready);
    loop {
        next = match next {
            Next::Run(task, Job(body)) => {
                let outcome = body(None).map_err(Failure::Threw);
                worker.turn(Some((&task, outcome)), &all_ready)
            }
            Next::Nothing | Next::Prepare(_) => {
                let idle = pool.config().idle_timeout.map(|idle| Instant::now() + idle);
                if !link.parker.park(idle) {
                    if worker.leave_if_idle() {
                        break;
                    }
                    link.parker.park(None);
                }
                worker.next(&all_ready)
            }
            Next::Leave => break,
        };
    }
    worker.detach(Some(0), None);
}

pub(crate) fn close(pool: &Arc<Pool<Job>>) {
    pool.shutdown(false);
    assert_closed(pool);
}

pub(crate) fn assert_closed(pool: &Arc<Pool<Job>>) {
    assert!(pool.wait_closed(Some(Instant::now() + LIMIT)), "did not close: {:?}", pool.stats());
}

pub(crate) fn eventually(what: &str, done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < LIMIT, "waited in vain: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

pub(crate) fn settled_once(task: &Arc<Task<Job>>) -> bool {
    task.owner().settled.load(Ordering::SeqCst) == 1
}
