//! Native workers: the pool's own threads.

mod support;

use std::sync::mpsc;
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use pool::{Config, Kind};
use support::*;

const NATIVE: Kind = Kind::Native;

fn threads(pool: &Arc<pool::Pool<Job>>) -> usize {
    pool.workers().len()
}

#[test]
fn a_task_runs_and_its_future_has_the_value() {
    let (pool, _host) = by_hand(workers(2));
    assert_eq!(outcome(&submit(&pool, spec(NATIVE, 0, || 42))), "value 42");
    let failing = with_control(NATIVE, 0, |_| Err("bad".into()));
    assert_eq!(outcome(&submit(&pool, failing)), "threw bad");
    close(&pool);
    let counts = pool.stats().counts;
    assert_eq!((counts.completed, counts.failed), (1, 1));
}

#[test]
fn threads_start_when_tasks_need_them_and_never_more_than_max_workers() {
    let (pool, host) = by_hand(workers(3));
    assert_eq!(threads(&pool), 0);
    let gate = Gate::default();
    let tasks: Vec<_> = (0..10).map(|label| submit(&pool, at_gate(NATIVE, label, &gate))).collect();
    gate.wait_for(3);
    let stats = pool.stats();
    assert_eq!((stats.running, stats.queued, stats.busy, stats.starting), (3, 7, 3, 0));
    gate.open();
    tasks.iter().for_each(wait);
    assert!(threads(&pool) <= 3);
    assert_eq!(host.log().starts.len(), 0, "native threads are no business of the host");
    close(&pool);
}

#[test]
fn one_task_at_a_time_needs_one_thread() {
    let (pool, _host) = by_hand(workers(4));
    for label in 0..200 {
        wait(&submit(&pool, noop(NATIVE, label)));
        eventually("the worker is idle", || pool.stats().idle == 1);
    }
    assert_eq!(threads(&pool), 1);
    close(&pool);
}

#[test]
fn idle_threads_leave_down_to_none_and_come_again() {
    let (pool, _host) = by_hand(Config { idle_timeout: Some(Duration::from_millis(10)), ..workers(2) });
    for round in 0..5 {
        assert_eq!(outcome(&submit(&pool, noop(NATIVE, round))), format!("value {round}"));
        eventually("all threads have left", || threads(&pool) == 0);
    }
    close(&pool);
}

#[test]
fn tasks_that_race_with_leaving_threads_all_run() {
    let (pool, _host) = by_hand(Config { idle_timeout: Some(Duration::ZERO), ..workers(2) });
    for label in 0..3000 {
        assert_eq!(outcome(&submit(&pool, noop(NATIVE, label))), format!("value {label}"));
    }
    close(&pool);
}

#[test]
fn min_workers_are_started_at_once_and_stay() {
    let config = Config {
        min_workers: 2,
        warm_kind: NATIVE,
        idle_timeout: Some(Duration::from_millis(1)),
        ..workers(3)
    };
    let (pool, _host) = by_hand(config);
    eventually("two are warm", || pool.stats().idle == 2);
    let gate = Gate::default();
    let tasks: Vec<_> = (0..3).map(|label| submit(&pool, at_gate(NATIVE, label, &gate))).collect();
    gate.wait_for(3);
    gate.open();
    tasks.iter().for_each(wait);
    eventually("the third has left", || threads(&pool) == 2);
    std::thread::sleep(QUIET);
    assert_eq!(pool.stats().idle, 2);
    close(&pool);
}

#[test]
fn two_idle_workers_always_run_two_tasks_in_parallel() {
    let (pool, _host) = by_hand(workers(2));
    for round in 0..600 {
        // Each task ends only together with the other.
        let barrier = Arc::new(Barrier::new(2));
        let both: Vec<_> = (0..2)
            .map(|label| {
                let barrier = barrier.clone();
                submit(&pool, spec(NATIVE, label, move || u64::from(barrier.wait().is_leader())))
            })
            .collect();
        for task in &both {
            assert!(task.wait_until(Some(Instant::now() + LIMIT)), "round {round}: one ran after the other");
        }
    }
    close(&pool);
}

#[test]
fn a_panic_is_a_value_and_the_thread_goes_on() {
    struct Sore;
    impl Drop for Sore {
        fn drop(&mut self) {
            panic!("in the destructor of the payload");
        }
    }
    let (pool, _host) = by_hand(workers(1));
    let text = with_control(NATIVE, 0, |_| panic!("at {}", 7));
    assert_eq!(outcome(&submit(&pool, text)), "panicked at 7");
    let number = with_control(NATIVE, 0, |_| std::panic::panic_any(7));
    assert_eq!(outcome(&submit(&pool, number)), "panicked a panic without a message");
    let sore = with_control(NATIVE, 0, |_| std::panic::panic_any(Sore));
    assert_eq!(outcome(&submit(&pool, sore)), "panicked a panic without a message");
    assert_eq!(outcome(&submit(&pool, noop(NATIVE, 5))), "value 5");
    assert_eq!(threads(&pool), 1);
    close(&pool);
    assert_eq!(pool.stats().counts.failed, 3);
}

#[test]
fn a_task_can_submit_to_its_own_pool() {
    let (pool, _host) = by_hand(workers(1));
    let (sender, receiver) = mpsc::channel();
    let inner = pool.clone();
    let outer = spec(NATIVE, 1, move || {
        sender.send(submit(&inner, noop(NATIVE, 2))).unwrap();
        1
    });
    assert_eq!(outcome(&submit(&pool, outer)), "value 1");
    assert_eq!(outcome(&receiver.recv_timeout(LIMIT).unwrap()), "value 2");
    close(&pool);
}

#[test]
fn a_destructor_that_calls_the_pool_does_not_deadlock() {
    struct Caller(Arc<pool::Pool<Job>>, mpsc::Sender<usize>);
    impl Drop for Caller {
        fn drop(&mut self) {
            let _ = self.1.send(self.0.stats().queued);
        }
    }
    let (pool, _host) = by_hand(workers(1));
    let (sender, receiver) = mpsc::channel();
    let caller = Caller(pool.clone(), sender);
    let waiting = submit(
        &pool,
        spec(Kind::Isolate, 0, move || {
            let _held = &caller;
            0
        }),
    );
    pool.cancel(&waiting, false);
    assert_eq!(receiver.recv_timeout(LIMIT), Ok(0));
    pool.shutdown(false);
}
