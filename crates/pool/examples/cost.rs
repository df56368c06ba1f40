//! What a task costs: `cargo run --release -p concurrent-futures-pool --example cost`.
//! Each figure is the median of several rounds, in nanoseconds a task.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use pool::{Config, Control, Failure, Host, Kind, Next, Parker, Pool, Spec, Task, Work, WorkerLink};

struct Noop;

static SETTLED: AtomicU64 = AtomicU64::new(0);

impl Work for Noop {
    type Value = u64;
    type Error = ();
    type Exit = ();
    type Owner = ();

    fn run(self, _control: &Control<'_, Self>) -> Result<u64, ()> {
        Ok(1)
    }

    fn settled(_task: &Arc<Task<Self>>, _at: Instant) {
        SETTLED.fetch_add(1, Ordering::Relaxed);
    }
}

struct Nobody;

impl Host for Nobody {
    fn start_worker(&self, _kind: Kind) {}
    fn closed(&self) {}
    fn room(&self) {}
}

struct Link(Parker);

impl WorkerLink<Noop> for Link {
    fn wake(&self) {
        self.0.unpark();
    }
    fn stop(&self, _task: &Arc<Task<Noop>>) {}
}

fn spec(kind: Kind, timeout: Option<Duration>) -> Spec<Noop> {
    Spec { timeout, ..Spec::new(kind, Noop, ()) }
}

fn make(max_workers: usize) -> Arc<Pool<Noop>> {
    Pool::new(Config { max_workers, ..Config::default() }, Arc::new(Nobody))
}

fn median(rounds: usize, mut round: impl FnMut() -> f64) -> f64 {
    let mut times: Vec<f64> = (0..rounds).map(|_| round()).collect();
    times.sort_by(f64::total_cmp);
    times[rounds / 2]
}

fn per_task(count: u64, work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_nanos() as f64 / count as f64
}

/// One producer, `workers` native threads; until the last has settled.
fn throughput(workers: usize, count: u64, timeout: Option<Duration>) -> f64 {
    let pool = make(workers);
    let cost = median(7, || {
        let goal = SETTLED.load(Ordering::Relaxed) + count;
        per_task(count, || {
            for _ in 0..count {
                let _ = pool.submit(spec(Kind::Native, timeout));
            }
            while SETTLED.load(Ordering::Relaxed) < goal {
                std::thread::sleep(Duration::from_micros(50));
            }
        })
    });
    pool.shutdown(false);
    pool.wait_closed(None);
    cost
}

/// One at a time: submit, then wait for the result.
fn round_trip() -> f64 {
    let pool = make(1);
    median(7, || {
        per_task(20_000, || {
            for _ in 0..20_000 {
                let task = pool.submit(spec(Kind::Native, None)).ok();
                task.map(|task| task.wait_until(None));
            }
        })
    })
}

/// Submission and claim alone, on one thread, with `queued` tasks waiting beforehand.
fn with_queued(queued: u64) -> (f64, f64) {
    const COUNT: u64 = 100_000;
    let pool = make(1);
    let worker = pool.attach(Kind::Isolate, Arc::new(Link(Parker::default())));
    for _ in 0..queued {
        let _ = pool.submit(spec(Kind::Isolate, None));
    }
    let (mut submits, mut turns) = (Vec::new(), Vec::new());
    for _ in 0..7 {
        submits.push(per_task(COUNT, || {
            for _ in 0..COUNT {
                let _ = pool.submit(spec(Kind::Isolate, None));
            }
        }));
        turns.push(per_task(COUNT, || {
            for _ in 0..COUNT {
                if let Next::Run(task, _) = worker.next(&|_| true) {
                    worker.finish(&task, Err(Failure::Threw(())));
                }
            }
        }));
    }
    submits.sort_by(f64::total_cmp);
    turns.sort_by(f64::total_cmp);
    (submits[3], turns[3])
}

fn main() {
    eprintln!("a task and its future: {} bytes", size_of::<Task<Noop>>());
    for workers in [1, 2] {
        eprintln!("no-op, {workers} workers: {:.0} ns", throughput(workers, 300_000, None));
    }
    let hour = Some(Duration::from_secs(3600));
    eprintln!("no-op, 2 workers, with a limit: {:.0} ns", throughput(2, 300_000, hour));
    eprintln!("round trip: {:.0} ns", round_trip());
    for queued in [0, 1_000, 1_000_000] {
        let (submit, turn) = with_queued(queued);
        eprintln!("{queued} queued: submit {submit:.0} ns, claim and settle {turn:.0} ns");
    }
}
