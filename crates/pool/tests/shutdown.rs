//! The end of a pool, from each of its states.

mod support;

use std::sync::mpsc;
use std::time::{Duration, Instant};

use pool::{Cancelled, Config, Kind, Refusal, Spec, StartFailure, State};
use support::*;

const ISOLATE: Kind = Kind::Isolate;

#[test]
fn a_pool_without_workers_closes_at_once_and_once() {
    let (pool, host) = by_hand(workers(2));
    assert!(!pool.is_closed() && !pool.wait_closed(Some(Instant::now())));
    pool.shutdown(false);
    pool.shutdown(true);
    pool.shutdown(false);
    pool.terminate();
    assert!(pool.is_closed());
    assert_eq!(host.log().closed, 1);
    let Err(refused) = pool.submit(noop(ISOLATE, 5)) else { panic!("accepted") };
    assert!(matches!(refused.reason, Refusal::ShutDown));
    assert_eq!(refused.spec.owner.label, 5);
    assert!(!pool.want_room(), "there will never be room");
}

#[test]
fn idle_workers_leave_at_once_also_those_that_never_time_out() {
    let config = Config { idle_timeout: None, min_workers: 1, warm_kind: Kind::Native, ..workers(2) };
    let (pool, host) = by_hand(config);
    let gate = Gate::default();
    let tasks: Vec<_> = (0..2).map(|label| submit(&pool, at_gate(Kind::Native, label, &gate))).collect();
    gate.wait_for(2);
    gate.open();
    tasks.iter().for_each(wait);
    eventually("both are idle", || pool.stats().idle == 2);
    close(&pool);
    assert_eq!(pool.workers().len(), 0);
    host.wait("closed", |log| log.closed == 1);
}

#[test]
fn accepted_tasks_run_to_the_end_also_when_no_worker_had_started() {
    let (pool, _host) = by_hand(workers(2));
    let gate = Gate::default();
    let tasks: Vec<_> = (0..20).map(|label| submit(&pool, at_gate(Kind::Native, label, &gate))).collect();
    pool.shutdown(false);
    gate.open();
    assert_closed(&pool);
    assert!(tasks.iter().all(|task| task.state() == State::Finished));
    assert_eq!(pool.stats().counts.completed, 20);
}

#[test]
fn with_cancel_pending_only_running_tasks_end_normally() {
    let (pool, _host) = by_hand(workers(1));
    let gate = Gate::default();
    let running = submit(&pool, at_gate(Kind::Native, 1, &gate));
    gate.wait_for(1);
    let waiting: Vec<_> = (0..5).map(|label| submit(&pool, noop(Kind::Native, label))).collect();
    pool.shutdown(false);
    pool.shutdown(true);
    assert!(waiting.iter().all(|task| task.state() == State::Cancelled));
    assert!(!pool.is_closed());
    gate.open();
    assert_closed(&pool);
    assert_eq!(outcome(&running), "value 1");
}

#[test]
fn a_worker_that_was_idle_for_want_of_a_place_leaves_in_the_end() {
    let (pool, _host) = by_hand(workers(1));
    let (one, one_link) = attach(&pool, ISOLATE);
    let (two, two_link) = attach(&pool, ISOLATE);
    submit(&pool, noop(ISOLATE, 0));
    let first = take(&one);
    let second = submit(&pool, noop(ISOLATE, 1));
    assert_eq!(ask(&two), "nothing");
    pool.shutdown(false);
    assert_eq!(ask(&two), "nothing", "something waits, but the budget is used");
    assert_eq!(turn(&one, &first), "run 1");
    assert_eq!(turn(&one, &second), "leave");
    assert_eq!(two_link.wakes(), 1, "or it would sleep for ever");
    assert_eq!(ask(&two), "leave");
    one.detach(None, None);
    assert!(!pool.is_closed());
    two.detach(None, None);
    assert!(pool.is_closed());
    assert_eq!(one_link.wakes(), 0);
}

#[test]
fn cancelling_the_last_waiting_task_lets_idle_workers_leave() {
    let (pool, _host) = by_hand(workers(1));
    let (one, _) = attach(&pool, ISOLATE);
    let (two, two_link) = attach(&pool, ISOLATE);
    submit(&pool, noop(ISOLATE, 0));
    let first = take(&one);
    let last = submit(&pool, noop(ISOLATE, 1));
    pool.shutdown(false);
    assert_eq!(ask(&two), "nothing");
    assert_eq!(pool.cancel(&last, false), Cancelled::BeforeStart);
    assert_eq!((two_link.wakes(), ask(&two)), (1, "leave".into()));
    assert_eq!(turn(&one, &first), "leave");
    one.detach(None, None);
    two.detach(None, None);
    assert!(pool.is_closed());
}

#[test]
fn a_pool_that_was_shut_down_still_starts_workers_for_what_it_accepted() {
    let (pool, host) = by_hand(workers(1));
    let tasks: Vec<_> = (0..2).map(|label| submit(&pool, noop(ISOLATE, label))).collect();
    pool.shutdown(false);
    let (worker, _) = attach(&pool, ISOLATE);
    take(&worker);
    worker.detach(Some(9), None);
    assert_eq!(outcome(&tasks[0]), "lost 9 ");
    assert_eq!(host.log().starts, [ISOLATE, ISOLATE]);
    let (worker, _) = attach(&pool, ISOLATE);
    let second = take(&worker);
    assert_eq!(turn(&worker, &second), "leave");
    worker.detach(None, None);
    assert!(pool.is_closed());
}

#[test]
fn a_pool_waits_for_workers_that_are_on_their_way() {
    let (pool, host) = by_hand(workers(1));
    let task = submit(&pool, noop(ISOLATE, 0));
    pool.cancel(&task, false);
    pool.shutdown(false);
    assert!(!pool.is_closed());
    let (worker, _) = attach(&pool, ISOLATE);
    assert_eq!(ask(&worker), "leave");
    worker.detach(None, None);
    assert!(pool.is_closed());
    assert_eq!(host.log().closed, 1);
}

#[test]
fn a_task_can_shut_its_own_pool_down() {
    let (pool, _host) = by_hand(workers(1));
    let ours = pool.clone();
    let (sender, receiver) = mpsc::channel();
    let task = submit(
        &pool,
        spec(Kind::Native, 0, move || {
            let later = submit(&ours, noop(Kind::Native, 1));
            ours.shutdown(false);
            assert!(ours.submit(noop(Kind::Native, 2)).is_err());
            assert!(!ours.wait_closed(Some(Instant::now() + Duration::from_millis(1))));
            sender.send(later).unwrap();
            7
        }),
    );
    assert_eq!(outcome(&task), "value 7");
    assert_eq!(outcome(&receiver.recv_timeout(LIMIT).unwrap()), "value 1");
    assert_closed(&pool);
}

#[test]
fn terminate_fails_what_runs_cancels_what_waits_and_stops_the_workers() {
    let (pool, _host) = by_hand(workers(1));
    let (worker, link) = attach(&pool, ISOLATE);
    let running = submit(&pool, noop(ISOLATE, 0));
    take(&worker);
    let waiting = submit(&pool, noop(ISOLATE, 1));
    pool.terminate();
    assert_eq!((outcome(&running), outcome(&waiting)), ("lost 0 ".into(), "cancelled".into()));
    assert_eq!(*link.stopped.lock().unwrap(), [running.id()]);
    assert!(running.is_cancel_requested());
    assert_eq!(turn(&worker, &running), "leave");
    assert!(!pool.is_closed());
    worker.detach(None, None);
    assert!(pool.is_closed());
    let counts = pool.stats().counts;
    assert_eq!((counts.lost, counts.cancelled, counts.completed), (1, 1, 0));
}

#[test]
fn a_task_can_terminate_its_own_pool() {
    let (pool, host) = by_hand(workers(2));
    let ours = pool.clone();
    let task = submit(
        &pool,
        spec(Kind::Native, 0, move || {
            ours.terminate();
            1
        }),
    );
    assert_closed(&pool);
    assert_eq!(outcome(&task), "lost 0 ");
    host.wait("closed", |log| log.closed == 1);
}

#[test]
fn nobody_hears_of_the_end_before_every_future_was_announced() {
    use std::sync::atomic::Ordering;
    for round in 0..300 {
        let (pool, _host) = by_hand(workers(1));
        let tasks: Vec<_> = (0..4).map(|label| submit(&pool, noop(Kind::Process, label))).collect();
        pool.start_failed(Kind::Process, None, StartFailure::Died);
        pool.start_failed(Kind::Process, None, StartFailure::Died);
        let canceller = std::thread::spawn({
            let (pool, tasks) = (pool.clone(), tasks.clone());
            move || tasks.iter().for_each(|task| _ = pool.cancel(task, false))
        });
        pool.shutdown(true);
        // The last worker that was on its way does not come.
        pool.start_failed(Kind::Process, None, StartFailure::Fatal);
        assert_closed(&pool);
        let told = tasks.iter().all(|task| task.owner().settled.load(Ordering::SeqCst) == 1);
        assert!(told, "round {round}");
        canceller.join().unwrap();
    }
}

#[test]
fn the_rest_of_a_task_is_taken_while_a_shutdown_drains_and_not_after_it() {
    for cancels in [false, true] {
        let (pool, _host) = by_hand(workers(1));
        let (worker, _) = attach(&pool, Kind::Isolate);
        let first = submit(&pool, noop(Kind::Isolate, 1));
        assert_eq!(ask(&worker), "run 1");
        pool.shutdown(cancels);
        assert!(pool.submit(noop(Kind::Isolate, 2)).is_err());
        let rest = || Spec { is_rest: true, ..noop(Kind::Isolate, 3) };
        assert_eq!(pool.submit(rest()).is_ok(), !cancels);
        let expected = if cancels { "leave" } else { "run 3" };
        assert_eq!(turn(&worker, &first), expected);
        worker.detach(None, None);
        assert!(pool.submit(rest()).is_err(), "it is closed");
    }
}

#[test]
fn a_pool_that_is_shut_down_is_not_done_while_rests_are_expected() {
    let (pool, _host) = by_hand(workers(1));
    let (worker, link) = attach(&pool, Kind::Isolate);
    pool.expect_rests(true);
    let first = submit(&pool, noop(Kind::Isolate, 1));
    assert_eq!(ask(&worker), "run 1");
    pool.shutdown(false);
    assert_eq!(turn(&worker, &first), "nothing", "the worker is kept for them");
    assert!(pool.submit(noop(Kind::Isolate, 2)).is_err());
    let rest = submit(&pool, Spec { is_rest: true, ..noop(Kind::Isolate, 3) });
    assert_eq!((link.wakes(), ask(&worker)), (1, "run 3".into()));
    assert_eq!(turn(&worker, &rest), "nothing");
    pool.expect_rests(false);
    assert_eq!((link.wakes(), ask(&worker)), (2, "leave".into()));
    worker.detach(None, None);
    assert!(pool.is_closed());
}

#[test]
fn nothing_is_expected_of_a_pool_that_was_cleared() {
    for is_terminated in [false, true] {
        let (pool, _host) = by_hand(workers(1));
        pool.expect_rests(true);
        if is_terminated {
            pool.terminate()
        } else {
            pool.shutdown(true)
        }
        assert!(pool.is_closed());
        pool.expect_rests(false);
    }
}
