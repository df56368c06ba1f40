//! Models for loom of what concerns all workers: pools that change their size, broadcasts, warm-ups. See
//! `loom.rs`, and run them as those: `--test loom_crew`.
#![cfg(pool_loom)]

#[path = "support/models.rs"]
mod models;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use loom::thread;
use models::{Number, announced, attach, make, model, serve, submit, task};
use pool::{Kind, Next, Pool, State, Task};

/// A task for each worker.
fn broadcast(pool: &Arc<Pool<Number>>) -> Vec<Arc<Task<Number>>> {
    let specs = (0..pool.audience()).map(|_| task(Kind::Isolate, 7)).collect();
    pool.broadcast(specs).ok().expect("accepted")
}

#[test]
fn a_task_that_is_left_while_the_pool_grows_reaches_a_worker_that_is_idle() {
    model(Some(4), || {
        let (pool, _) = make(1);
        let busy = attach(&pool, Kind::Isolate);
        submit(&pool, Kind::Isolate, 1);
        // It never asks again.
        assert!(matches!(busy.0.next(&|_| true), Next::Run(..)));
        let idle = attach(&pool, Kind::Isolate);
        let server = thread::spawn(move || serve(&idle, 1));
        let grower = thread::spawn({
            let pool = pool.clone();
            move || assert!(pool.resize(2))
        });
        submit(&pool, Kind::Isolate, 2);
        grower.join().unwrap();
        assert_eq!(server.join().unwrap(), 1);
        drop(busy);
    });
}

#[test]
fn in_a_pool_that_shrinks_one_worker_runs_what_is_left_and_the_other_leaves() {
    model(Some(3), || {
        let (pool, _) = make(2);
        let joined = [attach(&pool, Kind::Isolate), attach(&pool, Kind::Isolate)];
        let servers = joined.map(|joined| {
            thread::spawn(move || {
                let ran = serve(&joined, usize::MAX);
                joined.0.detach(None, None);
                ran
            })
        });
        submit(&pool, Kind::Isolate, 1);
        assert!(pool.resize(1));
        submit(&pool, Kind::Isolate, 2);
        pool.shutdown(false);
        let ran: usize = servers.into_iter().map(|server| server.join().unwrap()).sum();
        assert_eq!(ran, 2);
        assert!(pool.wait_closed(None));
    });
}

#[test]
fn a_broadcast_reaches_a_worker_that_goes_to_park() {
    model(None, || {
        let (pool, _) = make(1);
        let joined = attach(&pool, Kind::Isolate);
        let server = thread::spawn(move || serve(&joined, 1));
        let tasks = broadcast(&pool);
        assert_eq!(server.join().unwrap(), 1);
        assert!(tasks.iter().all(|task| task.state() == State::Finished && announced(task) == 1));
    });
}

#[test]
fn a_worker_that_a_task_and_a_broadcast_are_for_runs_both() {
    model(Some(4), || {
        let (pool, _) = make(1);
        let joined = attach(&pool, Kind::Isolate);
        let server = thread::spawn(move || serve(&joined, 2));
        let submitter = thread::spawn({
            let pool = pool.clone();
            move || submit(&pool, Kind::Isolate, 1)
        });
        let tasks = broadcast(&pool);
        let task = submitter.join().unwrap();
        assert_eq!(server.join().unwrap(), 2);
        assert!(tasks.iter().chain([&task]).all(|task| task.state() == State::Finished));
    });
}

#[test]
fn two_workers_take_turns_for_a_broadcast_where_one_may_run() {
    model(Some(3), || {
        let (pool, _) = make(1);
        let joined = [attach(&pool, Kind::Isolate), attach(&pool, Kind::Isolate)];
        let servers = joined.map(|joined| {
            thread::spawn(move || {
                let ran = serve(&joined, 1);
                // Gives its place up.
                assert!(matches!(joined.0.next(&|_| true), Next::Nothing));
                ran
            })
        });
        let tasks = broadcast(&pool);
        assert_eq!(tasks.len(), 2);
        assert!(servers.into_iter().all(|server| server.join().unwrap() == 1));
    });
}

#[test]
fn a_broadcast_to_a_worker_that_ends_is_run_or_lost_and_announced_once() {
    model(None, || {
        let (pool, host) = make(1);
        let (worker, _link) = attach(&pool, Kind::Isolate);
        let server = thread::spawn(move || {
            let next = worker.next(&|_| true);
            if let Next::Run(task, Number(number)) = next {
                worker.finish(&task, Ok(number));
            }
            worker.detach(Some(()), None);
        });
        let tasks = broadcast(&pool);
        server.join().unwrap();
        assert!(tasks.iter().all(|task| task.state() == State::Finished && announced(task) == 1));
        pool.shutdown(false);
        assert_eq!(host.closed.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn a_warm_up_is_over_when_its_worker_asks_or_the_pool_is_shut_down_and_announced_once() {
    model(None, || {
        let (pool, _) = make(1);
        let server = thread::spawn({
            let pool = pool.clone();
            move || {
                let joined = attach(&pool, Kind::Isolate);
                assert_eq!(serve(&joined, usize::MAX), 0);
                joined.0.detach(None, None);
            }
        });
        let warm = pool.warm_up(task(Kind::Isolate, 0), 1, 1).ok().expect("accepted");
        pool.shutdown(false);
        server.join().unwrap();
        assert!(pool.wait_closed(None));
        assert!(warm.state().is_settled());
        assert_eq!(announced(&warm), 1);
    });
}
