//! Everything at once, at random: each accepted task settles exactly once, the pool closes, and the
//! counts add up.

mod support;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use pool::{Config, Failure, Key, Kind, Next, Pool, Spec, StartFailure, Task, Worker};
use support::*;

const SUBMITTERS: u64 = 3;
const TASKS: u64 = 4_000;

/// The task that was accepted last.
type Last = Arc<Mutex<Option<Arc<Task<Job>>>>>;

/// Blocks for a limited time for whatever was submitted last: it may wait, run anywhere, or have settled. If
/// no worker is to be had for it, it runs here.
fn wait_in_time(worker: &Worker<Job>, last: &Last, cannot_run: bool) {
    let Some(task) = last.lock().unwrap().clone() else { return };
    if worker.suspend_for(&task, cannot_run) {
        thread::yield_now();
        worker.resume();
    } else if let Some(Job(body)) = worker.claim_task(&task) {
        worker.finish(&task, body(None).map_err(Failure::Threw));
    }
}

/// What has stood still goes on, to its end.
fn go_on(pool: &Arc<Pool<Job>>, worker: &Worker<Job>, task: &Arc<Task<Job>>) {
    pool.go_on(task);
    worker.resume_claiming();
    worker.finish(task, Ok(0));
}

/// An isolate that prepares, holds several tasks, waits, hangs and dies.
fn live_and_die(pool: &Arc<Pool<Job>>, kind: Kind, seed: u64, last: Last) {
    let mut random = Random(seed);
    let (worker, link) = attach(pool, kind);
    let mut held: Vec<Arc<Task<Job>>> = Vec::new();
    let mut standing: Vec<Arc<Task<Job>>> = Vec::new();
    let mut ready = random.below(2) == 0;
    let mut in_vain = 0;
    loop {
        let wakes = link.wakes();
        let next = worker.next(&|_| ready);
        in_vain = if matches!(next, Next::Nothing) { in_vain + 1 } else { 0 };
        match next {
            Next::Run(task, Job(body)) => {
                match random.below(32) {
                    0 => {
                        worker.suspend();
                        thread::yield_now();
                        worker.resume();
                    }
                    1 => wait_in_time(&worker, &last, random.below(2) == 0),
                    2 if kind == Kind::Isolate && pool.stand_still(&task) => {
                        worker.suspend_claiming();
                        standing.push(task);
                        continue;
                    }
                    _ => {}
                }
                let value = body(None);
                if random.below(64) == 0 {
                    // It dies with whatever it holds.
                    return worker.detach(Some(1), Some("died".into()));
                }
                if random.below(128) == 0 {
                    pool.abandon(worker.id());
                }
                if random.below(2) == 0 {
                    worker.finish(&task, value.map_err(Failure::Threw));
                } else {
                    held.push(task);
                }
            }
            Next::Prepare(_) => ready = true,
            // As an event loop does, it asks again at once: what its tasks wait for comes after that.
            Next::Nothing if !held.is_empty() && link.wakes() > wakes => {
                assert!(in_vain < 100_000, "sent again and again, for nothing");
            }
            Next::Nothing if !standing.is_empty() && random.below(2) == 0 => {
                let task = standing.swap_remove(random.below(standing.len() as u64) as usize);
                go_on(pool, &worker, &task);
            }
            Next::Nothing if !held.is_empty() => {
                let task = held.swap_remove(random.below(held.len() as u64) as usize);
                worker.finish(&task, Ok(0));
            }
            Next::Nothing => {
                let bound = std::time::Instant::now() + Duration::from_millis(random.below(3));
                if !link.parker.park(Some(bound)) && worker.leave_if_idle() {
                    break;
                }
            }
            Next::Leave => break,
        }
    }
    for task in standing {
        go_on(pool, &worker, &task);
    }
    for task in held {
        worker.finish(&task, Ok(0));
    }
    worker.detach(Some(0), None);
}

/// Starts workers of a random life; now and then one does not come.
struct Wild {
    pool: std::sync::OnceLock<std::sync::Weak<Pool<Job>>>,
    seed: AtomicU64,
    alive: Arc<AtomicU64>,
    last: Last,
}

impl pool::Host for Wild {
    fn start_worker(&self, kind: Kind) {
        let Some(pool) = self.pool.get().and_then(std::sync::Weak::upgrade) else { return };
        let seed = self.seed.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst) | 1;
        let (alive, last) = (self.alive.clone(), self.last.clone());
        alive.fetch_add(1, Ordering::SeqCst);
        thread::spawn(move || {
            // Rarely enough that three in a row, which would break the pool, do not come.
            if seed % 1024 == 3 {
                pool.start_failed(kind, None, StartFailure::Died);
            } else {
                live_and_die(&pool, kind, seed, last);
            }
            alive.fetch_sub(1, Ordering::SeqCst);
        });
    }
    fn closed(&self) {}
    fn room(&self) {}
}

fn any_task(random: &mut Random, label: u64) -> Spec<Job> {
    let kind = [Kind::Native, Kind::Native, Kind::Isolate, Kind::Process][random.below(4) as usize];
    let limit = |random: &mut Random| match random.below(8) {
        0 => Some(Duration::from_micros(random.below(400))),
        1 => Some(Duration::from_secs(600)),
        _ => None,
    };
    let work = match random.below(16) {
        0 => with_control(kind, label, |control| match control {
            Some(_) => panic!("as some do"),
            None => Err("as some do".into()),
        }),
        1 => spec(kind, label, || {
            thread::sleep(Duration::from_micros(200));
            0
        }),
        _ => noop(kind, label),
    };
    // One of a few: then many of them have to wait for each other.
    let has_key = kind == Kind::Isolate && random.below(3) == 0;
    Spec {
        key: has_key.then(|| Key::new([random.below(5) as u8].into())),
        needs: random.below(2) as u32,
        priority: random.below(3) as f64,
        timeout: limit(random),
        queue_timeout: limit(random),
        total_timeout: limit(random),
        ..work
    }
}

/// Now and then makes the pool larger or smaller, waits for no workers, or has a task for each.
fn change_workers(pool: &Arc<Pool<Job>>, random: &mut Random) -> Vec<Arc<Task<Job>>> {
    match random.below(128) {
        0 => assert!(pool.resize(random.below(4) as usize + 1)),
        1 => drop(pool.warm_up(noop(Kind::Isolate, 0), random.below(4) as usize, 0)),
        2 => {
            let specs = (0..pool.audience()).map(|_| any_task(random, 0));
            let specs = specs.map(|spec| Spec { kind: Kind::Isolate, ..spec }).collect();
            return pool.broadcast(specs).unwrap_or_default();
        }
        _ => {}
    }
    Vec::new()
}

fn ended_tasks(pool: &Arc<Pool<Job>>) -> u64 {
    let counts = pool.stats().counts;
    counts.completed + counts.failed + counts.cancelled + counts.timed_out + counts.lost
}

fn storm(seed: u64, end: impl Fn(&Arc<Pool<Job>>) + Copy + Send + 'static) {
    let config = Config {
        idle_timeout: Some(Duration::from_micros(300)),
        max_queue: Some(500),
        tasks_per_worker: 3,
        max_tasks_per_worker: Some(40),
        start_pause: Duration::from_micros(100),
        ..workers(2)
    };
    let host = Arc::new(Wild {
        pool: Default::default(),
        seed: AtomicU64::new(seed),
        alive: Arc::default(),
        last: Last::default(),
    });
    let pool = Pool::new(config, host.clone());
    host.pool.set(Arc::downgrade(&pool)).unwrap();
    let ended = Arc::new(AtomicBool::new(false));
    let submitters: Vec<_> = (0..SUBMITTERS)
        .map(|number| {
            let (pool, ended, last) = (pool.clone(), ended.clone(), host.last.clone());
            thread::spawn(move || {
                let mut random = Random(seed * 31 + number + 1);
                let mut accepted: Vec<Arc<Task<Job>>> = Vec::new();
                while accepted.len() < TASKS as usize && !ended.load(Ordering::SeqCst) {
                    match pool.submit(any_task(&mut random, accepted.len() as u64)) {
                        Ok(task) => {
                            *last.lock().unwrap() = Some(task.clone());
                            accepted.push(task);
                        }
                        Err(refused) => {
                            let why = reason(&refused.reason);
                            assert!(why != "broken", "seed {seed}: {why}");
                            pool.want_room();
                            thread::yield_now();
                        }
                    }
                    accepted.extend(change_workers(&pool, &mut random));
                    if random.below(6) == 0
                        && let Some(task) = accepted.get(random.below(accepted.len() as u64 + 1) as usize)
                    {
                        pool.cancel(task, random.below(2) == 0);
                    }
                }
                accepted
            })
        })
        .collect();
    // Not so many that have completed: where the threads get few turns most are cancelled before.
    eventually("half of the tasks", || ended_tasks(&pool) > SUBMITTERS * TASKS / 2);
    end(&pool);
    ended.store(pool.refusal().is_some_and(|why| reason(&why) == "shut down"), Ordering::SeqCst);
    let accepted: Vec<_> = submitters.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    close(&pool);

    for task in &accepted {
        let times = task.owner().settled.load(Ordering::SeqCst);
        assert_eq!(
            times,
            1,
            "seed {seed}: task {} was announced {times} times, {:?}",
            task.id(),
            task.state()
        );
        assert!(task.take_outcome().is_some());
    }
    let stats = pool.stats();
    assert_eq!(ended_tasks(&pool), accepted.len() as u64, "seed {seed}: {:?}", stats.counts);
    assert_eq!((stats.queued, stats.running, stats.idle, stats.busy, stats.starting), (0, 0, 0, 0, 0));
    assert_eq!(stats.wait_time.count, stats.run_time.count, "seed {seed}: what started has ended");
    eventually("the abandoned have gone", || host.alive.load(Ordering::SeqCst) == 0);
    assert_eq!(pool.workers().len(), 0);
}

#[test]
fn every_accepted_task_settles_once_when_all_is_well() {
    for seed in 1..=3 {
        storm(seed, |_| {});
    }
}

#[test]
fn every_accepted_task_settles_once_when_the_pool_is_shut_down_in_the_middle() {
    for seed in 11..=13 {
        storm(seed, move |pool| pool.shutdown(seed % 2 == 0));
    }
}

#[test]
fn every_accepted_task_settles_once_when_the_pool_is_terminated_in_the_middle() {
    for seed in 21..=23 {
        storm(seed, Pool::terminate);
    }
}
