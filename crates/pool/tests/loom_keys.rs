//! Models for loom of tasks that have a key, of tasks that stand still, and of rests that are expected. See
//! `loom.rs`, and run them as those: `--test loom_keys`.
#![cfg(pool_loom)]

#[path = "support/models.rs"]
mod models;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use loom::thread;
use models::{Joined, Number, announced, attach, make, model, serve, submit, task};
use pool::{Cancelled, Failure, Key, Kind, Next, Pool, Spec, State, Task};

const ISOLATE: Kind = Kind::Isolate;

/// A task of the one key that there is.
fn keyed(pool: &Arc<Pool<Number>>, number: u64) -> Arc<Task<Number>> {
    let spec = Spec { key: Some(Key::new(Box::from(*b"key"))), ..task(ISOLATE, number) };
    pool.submit(spec).ok().expect("accepted")
}

/// A worker that holds a task of the key.
fn with_keyed(pool: &Arc<Pool<Number>>) -> (Joined, Arc<Task<Number>>) {
    let joined = attach(pool, ISOLATE);
    keyed(pool, 1);
    let Next::Run(task, _) = joined.0.next(&|_| true) else { panic!("there is a task") };
    (joined, task)
}

/// A worker that holds a task which stands still, as a stream does whose reader is behind.
fn with_standing(pool: &Arc<Pool<Number>>) -> (Joined, Arc<Task<Number>>) {
    let joined = attach(pool, ISOLATE);
    submit(pool, ISOLATE, 1);
    let Next::Run(task, _) = joined.0.next(&|_| true) else { panic!("there is a task") };
    assert!(pool.stand_still(&task));
    joined.0.suspend_claiming();
    (joined, task)
}

#[test]
fn a_worker_that_goes_to_rest_while_a_task_of_its_key_comes_runs_it_beside_one_that_is_idle() {
    model(Some(5), || {
        let (pool, _) = make(2);
        let (home, first) = with_keyed(&pool);
        let other = attach(&pool, ISOLATE);
        assert!(matches!(other.0.next(&|_| true), Next::Nothing));
        let server = thread::spawn(move || {
            home.0.finish(&first, Ok(1));
            serve(&home, 1)
        });
        // The other one never asks again: what is the home's own is not left to it.
        let task = keyed(&pool, 2);
        assert_eq!(server.join().unwrap(), 1);
        assert_eq!((task.state(), announced(&task)), (State::Finished, 1));
    });
}

#[test]
fn a_task_whose_key_lives_on_a_worker_that_dies_is_run_by_another() {
    model(Some(5), || {
        let (pool, _) = make(2);
        let (home, first) = with_keyed(&pool);
        let other = attach(&pool, ISOLATE);
        let server = thread::spawn(move || serve(&other, 1));
        let dying = thread::spawn(move || home.0.detach(Some(()), None));
        let second = keyed(&pool, 2);
        dying.join().unwrap();
        assert_eq!(server.join().unwrap(), 1);
        assert_eq!((second.state(), announced(&second)), (State::Finished, 1));
        assert!(matches!(first.take_outcome(), Some(Err(Failure::Lost { .. }))));
        assert_eq!(announced(&first), 1);
    });
}

#[test]
fn a_task_whose_key_lives_on_a_worker_that_retires_is_run_by_another() {
    model(Some(5), || {
        let (pool, _) = make(2);
        let (home, first) = with_keyed(&pool);
        let other = attach(&pool, ISOLATE);
        let server = thread::spawn(move || serve(&other, 1));
        let retiring = thread::spawn({
            let pool = pool.clone();
            move || {
                pool.retire(home.0.id());
                home.0.finish(&first, Ok(1));
                assert!(matches!(home.0.next(&|_| true), Next::Leave));
                home
            }
        });
        let second = keyed(&pool, 2);
        // It may have come before its worker was to retire, which takes its time to leave.
        let home = retiring.join().unwrap();
        assert_eq!(server.join().unwrap(), 1);
        assert_eq!((second.state(), announced(&second)), (State::Finished, 1));
        drop(home);
    });
}

#[test]
fn a_task_of_a_key_that_is_cancelled_while_its_worker_claims_is_run_or_cancelled_and_the_next_runs() {
    model(Some(5), || {
        let (pool, _) = make(1);
        let (home, first) = with_keyed(&pool);
        let (second, third) = (keyed(&pool, 2), keyed(&pool, 3));
        let server = thread::spawn(move || {
            home.0.finish(&first, Ok(1));
            let mut ran = 0;
            while ran < 3 {
                ran += match home.0.next(&|_| true) {
                    Next::Run(task, Number(number)) => {
                        home.0.finish(&task, Ok(number));
                        number
                    }
                    _ => {
                        home.1.0.park(None);
                        0
                    }
                };
            }
            ran
        });
        let cancelled = pool.cancel(&second, false);
        // Two and three, or three alone.
        let ran = server.join().unwrap();
        assert_eq!(ran, if cancelled == Cancelled::BeforeStart { 3 } else { 5 });
        assert!([&second, &third].iter().all(|task| task.state().is_settled() && announced(task) == 1));
        assert_eq!((third.state(), pool.stats().queued), (State::Finished, 0));
    });
}

#[test]
fn a_stream_that_is_had_go_on_while_its_worker_takes_another_task_ends_and_so_does_that() {
    model(Some(5), || {
        let (pool, _) = make(1);
        let (joined, stream) = with_standing(&pool);
        let reader = thread::spawn({
            let (pool, stream) = (pool.clone(), stream.clone());
            move || pool.go_on(&stream)
        });
        let other = submit(&pool, ISOLATE, 2);
        // The worker's thread is free meanwhile.
        let own = thread::spawn({
            let stream = stream.clone();
            move || {
                assert_eq!(serve(&joined, 1), 1);
                reader.join().unwrap();
                joined.0.resume_claiming();
                joined.0.finish(&stream, Ok(1));
                assert!(matches!(joined.0.next(&|_| true), Next::Nothing));
            }
        });
        own.join().unwrap();
        assert!([&stream, &other].iter().all(|task| announced(task) == 1));
        let stats = pool.stats();
        assert_eq!((stats.running, stats.queued, stats.counts.completed), (0, 0, 2));
    });
}

#[test]
fn a_stream_that_stands_still_while_it_is_had_go_on_is_counted_as_running_or_standing() {
    model(None, || {
        let (pool, _) = make(1);
        let joined = attach(&pool, ISOLATE);
        submit(&pool, ISOLATE, 1);
        let Next::Run(stream, _) = joined.0.next(&|_| true) else { panic!("there is a task") };
        let reader = thread::spawn({
            let (pool, stream) = (pool.clone(), stream.clone());
            move || pool.go_on(&stream)
        });
        assert!(pool.stand_still(&stream));
        reader.join().unwrap();
        assert_eq!(pool.stats().running, usize::from(!pool.stands_still(&stream)));
        pool.go_on(&stream);
        joined.0.finish(&stream, Ok(1));
        assert_eq!((pool.stats().running, announced(&stream)), (0, 1));
    });
}

/// Ends a pool's stream by `end` while its reader has it go on.
fn end_of_a_stream(end: fn(&Arc<Pool<Number>>, &Arc<Task<Number>>)) {
    model(None, move || {
        let (pool, _) = make(1);
        let (joined, stream) = with_standing(&pool);
        let reader = thread::spawn({
            let (pool, stream) = (pool.clone(), stream.clone());
            move || pool.go_on(&stream)
        });
        end(&pool, &stream);
        // A shutdown that comes later does not end it.
        let running = usize::from(!stream.state().is_settled());
        assert_eq!((pool.stats().running, pool.stands_still(&stream)), (running, false));
        reader.join().unwrap();
        // The worker has heard of both, and lets it go.
        joined.0.resume_claiming();
        joined.0.finish(&stream, Ok(1));
        pool.shutdown(false);
        assert_eq!(serve(&joined, usize::MAX), 0);
        joined.0.detach(None, None);
        assert!(stream.state().is_settled());
        assert_eq!((announced(&stream), pool.stats().running), (1, 0));
        assert!(!pool.stands_still(&stream) && pool.wait_closed(None));
    });
}

#[test]
fn a_stream_that_a_shutdown_meets_while_it_is_had_go_on_settles_once_and_the_pool_closes() {
    end_of_a_stream(|pool, _| pool.shutdown(false));
}

#[test]
fn a_stream_that_is_cancelled_while_it_is_had_go_on_settles_once_and_the_pool_closes() {
    end_of_a_stream(|pool, stream| {
        assert_ne!(pool.cancel(stream, true), Cancelled::No);
        assert_eq!(stream.state(), State::Cancelled);
    });
}

/// Runs tasks until the worker is told to leave; whoever is has the others leave, too.
fn serve_until_told(pool: &Arc<Pool<Number>>, joined: Joined) -> usize {
    let ran = serve(&joined, usize::MAX);
    joined.0.detach(None, None);
    pool.shutdown(false);
    ran
}

#[test]
fn of_two_workers_one_leaves_by_a_resize_while_a_stream_stands_on_one_of_them_and_goes_on() {
    model(Some(3), || {
        let (pool, _) = make(2);
        let (joined, stream) = with_standing(&pool);
        let other = attach(&pool, ISOLATE);
        let server = thread::spawn({
            let pool = pool.clone();
            move || serve_until_told(&pool, other)
        });
        let reader = thread::spawn({
            let (pool, stream) = (pool.clone(), stream.clone());
            move || {
                pool.go_on(&stream);
                joined.0.resume_claiming();
                joined.0.finish(&stream, Ok(1));
                serve_until_told(&pool, joined)
            }
        });
        let other = submit(&pool, ISOLATE, 2);
        assert!(pool.resize(1));
        let ran = server.join().unwrap() + reader.join().unwrap();
        assert_eq!((ran, other.state(), announced(&stream)), (1, State::Finished, 1));
        assert!(stream.state().is_settled() && pool.wait_closed(None));
    });
}

#[test]
fn a_pool_that_is_shut_down_while_rests_are_expected_closes_only_once_they_are_not_and_have_run() {
    model(None, || {
        let (pool, host) = make(1);
        let joined = attach(&pool, ISOLATE);
        pool.expect_rests(true);
        let giver = thread::spawn({
            let pool = pool.clone();
            move || {
                let rest = pool.submit(Spec { is_rest: true, ..task(ISOLATE, 2) }).ok().expect("accepted");
                assert!(!pool.is_closed(), "it may get more");
                pool.expect_rests(false);
                rest
            }
        });
        pool.shutdown(false);
        assert_eq!(serve(&joined, usize::MAX), 1);
        joined.0.detach(None, None);
        let rest = giver.join().unwrap();
        assert!(pool.wait_closed(None));
        assert_eq!((rest.state(), announced(&rest)), (State::Finished, 1));
        assert_eq!(host.closed.load(Ordering::SeqCst), 1);
    });
}
