//! Models for loom: each explores the orders of a few threads and claims one property. Run with
//! `RUSTFLAGS="--cfg pool_loom" cargo test -p concurrent-futures-pool --release --test loom`.
//!
//! Nothing here has a time limit: the deadline thread uses std's primitives, so its two calls into the
//! pool are made by a thread of the model. A lost wake-up shows as a deadlock, which loom reports.
#![cfg(pool_loom)]

#[path = "support/models.rs"]
mod models;

use std::sync::atomic::Ordering;

use loom::thread;
use models::{Announced, announced, attach, make, model, serve, submit, task};
use pool::{Cancelled, Failure, Kind, Next, Spec, StartFailure, State, Turn};

#[test]
fn a_worker_that_goes_to_park_is_woken_by_a_submission() {
    model(None, || {
        let (pool, _) = make(1);
        let joined = attach(&pool, Kind::Isolate);
        let server = thread::spawn(move || serve(&joined, 1));
        submit(&pool, Kind::Isolate, 1);
        assert_eq!(server.join().unwrap(), 1);
    });
}

#[test]
fn two_submissions_reach_two_workers_even_if_neither_task_ends() {
    model(None, || {
        let (pool, _) = make(2);
        let workers: Vec<_> = (0..2)
            .map(|_| {
                let joined = attach(&pool, Kind::Isolate);
                thread::spawn(move || {
                    // Claims one task and never asks again.
                    while !matches!(joined.0.next(&|_| true), Next::Run(..)) {
                        joined.1.0.park(None);
                    }
                })
            })
            .collect();
        submit(&pool, Kind::Isolate, 1);
        submit(&pool, Kind::Isolate, 2);
        workers.into_iter().for_each(|worker| worker.join().unwrap());
    });
}

#[test]
fn a_task_that_is_left_for_a_busy_worker_is_run_however_the_worker_goes_on() {
    model(None, || {
        let (pool, _) = make(1);
        let joined = attach(&pool, Kind::Isolate);
        submit(&pool, Kind::Isolate, 1);
        let Next::Run(first, _) = joined.0.next(&|_| true) else { panic!("there is a task") };
        let server = thread::spawn(move || {
            joined.0.finish(&first, Ok(1));
            serve(&joined, 1)
        });
        submit(&pool, Kind::Isolate, 2);
        assert_eq!(server.join().unwrap(), 1);
    });
}

#[test]
fn two_tasks_that_come_while_two_workers_linger_reach_both_even_if_neither_ends() {
    model(Some(4), || {
        let (pool, _) = make(2);
        let joined: Vec<_> = (0..2).map(|_| attach(&pool, Kind::Isolate)).collect();
        let first: Vec<_> = (0..2)
            .map(|number| {
                submit(&pool, Kind::Isolate, number);
                let Next::Run(task, _) = joined[number as usize].0.next(&|_| true) else {
                    panic!("there is a task")
                };
                task
            })
            .collect();
        let workers: Vec<_> = joined
            .into_iter()
            .zip(first)
            .map(|((worker, link), task)| {
                thread::spawn(move || {
                    // Its moment of lingering is over at once.
                    let mut next = match worker.turn_or_linger(Some((&task, Ok(0))), &|_| true) {
                        Turn::Next(next) => next,
                        Turn::Linger { .. } => worker.next(&|_| true),
                    };
                    while !matches!(next, Next::Run(..)) {
                        link.0.park(None);
                        next = worker.next(&|_| true);
                    }
                })
            })
            .collect();
        submit(&pool, Kind::Isolate, 3);
        submit(&pool, Kind::Isolate, 4);
        workers.into_iter().for_each(|worker| worker.join().unwrap());
    });
}

#[test]
fn a_task_that_is_left_while_the_pool_is_shut_down_is_refused_or_runs() {
    model(None, || {
        let (pool, host) = make(1);
        let joined = attach(&pool, Kind::Isolate);
        submit(&pool, Kind::Isolate, 1);
        let Next::Run(first, _) = joined.0.next(&|_| true) else { panic!("there is a task") };
        let submitter = thread::spawn({
            let pool = pool.clone();
            move || pool.submit(task(Kind::Isolate, 2)).ok()
        });
        pool.shutdown(false);
        joined.0.finish(&first, Ok(1));
        let ran = serve(&joined, usize::MAX);
        joined.0.detach(None, None);
        match submitter.join().unwrap() {
            Some(task) => assert_eq!((ran, task.state(), announced(&task)), (1, State::Finished, 1)),
            None => assert_eq!(ran, 0),
        }
        assert!(pool.wait_closed(None));
        assert_eq!(host.closed.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn a_place_that_a_lingering_worker_keeps_reaches_the_other_kind() {
    model(Some(4), || {
        let (pool, _) = make(1);
        let joined = attach(&pool, Kind::Isolate);
        let other = attach(&pool, Kind::Process);
        // Rests, so that it lives.
        assert!(matches!(other.0.next(&|_| true), Next::Nothing));
        submit(&pool, Kind::Isolate, 1);
        let Next::Run(first, _) = joined.0.next(&|_| true) else { panic!("there is a task") };
        let lingerer = thread::spawn(move || {
            let (worker, _link) = &joined;
            if matches!(worker.turn_or_linger(Some((&first, Ok(0))), &|_| true), Turn::Linger { .. }) {
                while !matches!(worker.next(&|_| true), Next::Nothing) {}
            }
        });
        let server = thread::spawn(move || serve(&other, 1));
        submit(&pool, Kind::Process, 2);
        assert_eq!(server.join().unwrap(), 1);
        lingerer.join().unwrap();
    });
}

#[test]
fn a_place_that_is_given_up_reaches_the_other_kind() {
    model(Some(4), || {
        let (pool, _) = make(1);
        let workers: Vec<_> = [Kind::Isolate, Kind::Process]
            .into_iter()
            .map(|kind| {
                let joined = attach(&pool, kind);
                thread::spawn(move || {
                    // The last look gives the place back.
                    let ran = serve(&joined, 1);
                    while !matches!(joined.0.next(&|_| true), Next::Nothing) {}
                    ran
                })
            })
            .collect();
        submit(&pool, Kind::Isolate, 1);
        submit(&pool, Kind::Process, 2);
        let ran: usize = workers.into_iter().map(|worker| worker.join().unwrap()).sum();
        assert_eq!(ran, 2);
    });
}

#[test]
fn a_waiter_that_goes_to_park_hears_of_the_result() {
    model(None, || {
        let (pool, _) = make(1);
        let joined = attach(&pool, Kind::Isolate);
        let task = submit(&pool, Kind::Isolate, 7);
        let server = thread::spawn(move || serve(&joined, 1));
        assert!(task.wait_until(None));
        assert!(matches!(task.take_outcome(), Some(Ok(7))));
        server.join().unwrap();
    });
}

#[test]
fn finish_time_out_and_cancel_settle_a_running_task_once() {
    model(None, || {
        let (pool, _) = make(1);
        let (worker, _link) = attach(&pool, Kind::Isolate);
        let task = submit(&pool, Kind::Isolate, 7);
        let Next::Run(..) = worker.next(&|_| true) else { panic!("there is a task") };
        let clock = thread::spawn({
            let (pool, task) = (pool.clone(), task.clone());
            move || pool.time_out(&task, None)
        });
        let canceller = thread::spawn({
            let (pool, task) = (pool.clone(), task.clone());
            move || pool.cancel(&task, true) == Cancelled::WhileRunning
        });
        worker.finish(&task, Ok(7));
        let (timed_out, cancelled) = (clock.join().unwrap(), canceller.join().unwrap());
        let ended = match task.take_outcome() {
            Some(Ok(7)) => (false, false),
            Some(Err(Failure::TimedOut { .. })) => (true, false),
            Some(Err(Failure::Cancelled)) => (false, true),
            _ => panic!("not settled"),
        };
        assert_eq!((timed_out, cancelled), ended);
        assert_eq!(announced(&task), 1);
        let counts = pool.stats().counts;
        assert_eq!(counts.completed + counts.timed_out + counts.cancelled, 1);
    });
}

#[test]
fn a_submission_that_meets_a_shutdown_is_refused_or_runs() {
    model(None, || {
        let (pool, host) = make(1);
        let joined = attach(&pool, Kind::Isolate);
        let server = thread::spawn(move || {
            let ran = serve(&joined, usize::MAX);
            joined.0.detach(None, None);
            ran
        });
        let submitter = thread::spawn({
            let pool = pool.clone();
            move || pool.submit(task(Kind::Isolate, 1)).ok()
        });
        pool.shutdown(false);
        let ran = server.join().unwrap();
        match submitter.join().unwrap() {
            Some(task) => assert_eq!((ran, task.state(), announced(&task)), (1, State::Finished, 1)),
            None => assert_eq!(ran, 0),
        }
        assert!(pool.wait_closed(None));
        assert_eq!(host.closed.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn a_task_that_was_cancelled_before_its_start_never_runs() {
    model(None, || {
        let (pool, _) = make(1);
        let (worker, _link) = attach(&pool, Kind::Isolate);
        let task = submit(&pool, Kind::Isolate, 1);
        let canceller = thread::spawn({
            let (pool, task) = (pool.clone(), task.clone());
            move || pool.cancel(&task, false)
        });
        let ran = matches!(worker.next(&|_| true), Next::Run(..));
        let found = canceller.join().unwrap();
        assert_eq!(found, if ran { Cancelled::No } else { Cancelled::BeforeStart });
        assert_eq!(announced(&task), usize::from(!ran));
    });
}

#[test]
fn the_last_cancel_after_a_shutdown_wakes_the_idle_so_that_the_pool_closes() {
    model(None, || {
        let (pool, _) = make(1);
        let busy = attach(&pool, Kind::Isolate);
        let idle = attach(&pool, Kind::Isolate);
        submit(&pool, Kind::Isolate, 1);
        let Next::Run(first, _) = busy.0.next(&|_| true) else { panic!("there is a task") };
        let second = submit(&pool, Kind::Isolate, 2);
        pool.shutdown(false);
        let sleeper = thread::spawn(move || {
            serve(&idle, usize::MAX);
            idle.0.detach(None, None);
        });
        pool.cancel(&second, false);
        // The sleeper must get away without any help of the busy one.
        sleeper.join().unwrap();
        busy.0.finish(&first, Ok(0));
        busy.0.detach(None, None);
        assert!(pool.is_closed());
    });
}

#[test]
fn a_pool_does_not_close_between_a_settling_and_its_announcement() {
    model(None, || {
        let (pool, _) = make(1);
        let owner = Announced { slowly: true, ..Announced::default() };
        let task = pool.submit(Spec { owner, ..task(Kind::Isolate, 1) }).ok().expect("accepted");
        let canceller = thread::spawn({
            let (pool, task) = (pool.clone(), task.clone());
            move || pool.cancel(&task, false)
        });
        pool.shutdown(true);
        pool.start_failed(Kind::Isolate, None, StartFailure::Died);
        pool.wait_closed(None);
        assert_eq!(announced(&task), 1);
        canceller.join().unwrap();
    });
}

#[test]
fn a_task_for_which_a_waiter_was_woken_is_not_stranded_when_the_wait_ends() {
    model(None, || {
        let (pool, _) = make(2);
        let (waiter, _) = attach(&pool, Kind::Isolate);
        submit(&pool, Kind::Isolate, 1);
        let Next::Run(..) = waiter.next(&|_| true) else { panic!("there is a task") };
        waiter.suspend();
        assert!(matches!(waiter.next(&|_| true), Next::Nothing));
        submit(&pool, Kind::Process, 2);
        let (last, _) = attach(&pool, Kind::Process);
        let Next::Run(ending, _) = last.next(&|_| true) else { panic!("there is a task") };
        // The waiter is woken, and has the second place; so the other rests.
        submit(&pool, Kind::Isolate, 3);
        let other = attach(&pool, Kind::Isolate);
        assert!(matches!(other.0.next(&|_| true), Next::Nothing));
        let waiter = thread::spawn(move || {
            waiter.resume();
            assert!(matches!(waiter.next(&|_| true), Next::Nothing));
        });
        let other = thread::spawn(move || serve(&other, 1));
        last.finish(&ending, Ok(0));
        let _ = last.next(&|_| true);
        assert_eq!(other.join().unwrap(), 1);
        waiter.join().unwrap();
    });
}

#[test]
fn a_task_that_comes_while_its_worker_retires_runs_once_and_that_worker_leaves() {
    model(None, || {
        let (pool, _) = make(1);
        let retired = attach(&pool, Kind::Isolate);
        assert!(matches!(retired.0.next(&|_| true), Next::Nothing));
        let id = retired.0.id();
        let spare = attach(&pool, Kind::Isolate);
        let leaver = thread::spawn(move || {
            let ran = serve(&retired, usize::MAX);
            retired.0.detach(None, None);
            ran
        });
        let retirer = thread::spawn({
            let pool = pool.clone();
            move || pool.retire(id)
        });
        submit(&pool, Kind::Isolate, 1);
        retirer.join().unwrap();
        // It must get away without any help of the other.
        let ran = leaver.join().unwrap();
        assert_eq!(ran + serve(&spare, 1 - ran), 1);
    });
}

#[test]
fn a_task_that_a_limited_wait_has_hurried_is_not_stranded_when_the_wait_ends() {
    model(None, || {
        let (pool, _) = make(1);
        let (waiter, _) = attach(&pool, Kind::Isolate);
        submit(&pool, Kind::Isolate, 1);
        let Next::Run(outer, _) = waiter.next(&|_| true) else { panic!("there is a task") };
        let other = attach(&pool, Kind::Isolate);
        assert!(matches!(other.0.next(&|_| true), Next::Nothing));
        let awaited = submit(&pool, Kind::Isolate, 2);
        let other = thread::spawn(move || serve(&other, 1));
        assert!(waiter.suspend_for(&awaited, false));
        waiter.resume();
        // Whether the other has come in time or not, it is the one that is left.
        waiter.finish(&outer, Ok(1));
        waiter.detach(None, None);
        assert_eq!(other.join().unwrap(), 1);
    });
}
