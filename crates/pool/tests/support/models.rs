//! What the models are made of: work without a body, and workers that a thread of the model drives.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use loom::thread;
use pool::{Config, Control, Host, Kind, Next, Parker, Pool, Spec, Task, Work, Worker, WorkerLink};

/// Work that is its own value; run by the models' workers only.
pub(crate) struct Number(pub(crate) u64);

impl Work for Number {
    type Value = u64;
    type Error = ();
    type Exit = ();
    type Owner = Announced;

    fn run(self, _control: &Control<'_, Self>) -> Result<u64, ()> {
        unreachable!("no native workers in models")
    }

    fn settled(task: &Arc<Task<Self>>, _at: Instant) {
        if task.owner().slowly {
            thread::yield_now();
        }
        task.owner().times.fetch_add(1, Ordering::SeqCst);
    }
}

/// How often a task was announced. std's atomic, so that loom does not branch on it.
#[derive(Default)]
pub(crate) struct Announced {
    pub(crate) times: AtomicUsize,
    /// Lets others run just before.
    pub(crate) slowly: bool,
}

/// Models attach their workers themselves.
#[derive(Default)]
pub(crate) struct Quiet {
    pub(crate) closed: AtomicUsize,
}

impl Host for Quiet {
    fn start_worker(&self, _kind: Kind) {}
    fn closed(&self) {
        self.closed.fetch_add(1, Ordering::SeqCst);
    }
    fn room(&self) {}
}

#[derive(Default)]
pub(crate) struct Link(pub(crate) Parker);

impl WorkerLink<Number> for Link {
    fn wake(&self) {
        self.0.unpark();
    }
    fn stop(&self, _task: &Arc<Task<Number>>) {}
}

pub(crate) type Joined = (Worker<Number>, Arc<Link>);

pub(crate) fn make(max_workers: usize) -> (Arc<Pool<Number>>, Arc<Quiet>) {
    let host = Arc::new(Quiet::default());
    (Pool::new(Config { max_workers, ..Config::default() }, host.clone()), host)
}

pub(crate) fn attach(pool: &Arc<Pool<Number>>, kind: Kind) -> Joined {
    let link = Arc::new(Link::default());
    (pool.attach(kind, link.clone()), link)
}

pub(crate) fn task(kind: Kind, number: u64) -> Spec<Number> {
    Spec::new(kind, Number(number), Announced::default())
}

pub(crate) fn submit(pool: &Arc<Pool<Number>>, kind: Kind, number: u64) -> Arc<Task<Number>> {
    pool.submit(task(kind, number)).ok().expect("accepted")
}

/// The worker's loop, until it has run `count` tasks or must leave.
pub(crate) fn serve((worker, link): &Joined, count: usize) -> usize {
    let mut ran = 0;
    while ran < count {
        match worker.next(&|_| true) {
            Next::Run(task, Number(number)) => {
                ran += 1;
                worker.finish(&task, Ok(number));
            }
            Next::Leave => break,
            Next::Nothing | Next::Prepare(_) => drop(link.0.park(None)),
        }
    }
    ran
}

pub(crate) fn announced(task: &Arc<Task<Number>>) -> usize {
    task.owner().times.load(Ordering::SeqCst)
}

/// Explores all orders, or those with at most so many preemptions.
pub(crate) fn model(preemptions: Option<usize>, check: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = preemptions;
    let orders = Arc::new(AtomicUsize::new(0));
    let counter = orders.clone();
    builder.check(move || {
        counter.fetch_add(1, Ordering::Relaxed);
        check();
    });
    // A model that has nothing to explore proves nothing.
    let orders = orders.load(Ordering::Relaxed);
    eprintln!("{orders} orders");
    assert!(orders > 1, "only {orders} orders");
}
