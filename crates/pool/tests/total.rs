//! The limit of a task's whole time, waiting and running together, and that of a shutdown.

mod support;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use pool::{Kind, Next, Spec, StartFailure, State};
use support::*;

const ISOLATE: Kind = Kind::Isolate;
const SHORT: Duration = Duration::from_millis(20);
/// Over soon, and not before what is to come before it, also on a busy machine.
const AMPLE: Duration = Duration::from_millis(500);
const LONG: Duration = Duration::from_secs(600);

fn within(limit: Duration, label: u64) -> Spec<Job> {
    Spec { total_timeout: Some(limit), ..noop(ISOLATE, label) }
}

#[test]
fn a_task_that_still_waits_when_its_whole_time_is_over_never_runs() {
    let (pool, _host) = by_hand(pool::Config { max_queue: Some(1), ..workers(1) });
    let task = submit(&pool, within(SHORT, 0));
    assert_eq!(outcome(&task), "out of time ");
    assert!(task.started().is_none());
    eventually("the announcement", || settled_once(&task));
    assert_eq!(pool.stats().queued, 0);
    assert_eq!(pool.stats().counts.timed_out, 1);
}

#[test]
fn a_task_that_runs_when_its_whole_time_is_over_is_stopped_and_the_time_that_it_waited_counts() {
    let (pool, _host) = by_hand(workers(1));
    let submitted = Instant::now();
    let task = submit(&pool, within(AMPLE, 0));
    std::thread::sleep(SHORT);
    let (worker, link) = attach(&pool, ISOLATE);
    assert!(Arc::ptr_eq(&take(&worker), &task));
    assert_eq!(outcome(&task), "out of time ");
    let took = submitted.elapsed();
    assert!(took >= AMPLE, "{took:?}");
    eventually("the stop", || *link.stopped.lock().unwrap() == [task.id()]);
    assert!(task.is_cancel_requested());
    eventually("the announcement", || settled_once(&task));
    assert_eq!(turn(&worker, &task), "nothing");
}

#[test]
fn of_two_limits_of_a_task_that_runs_the_one_that_is_over_first_is_told() {
    let (pool, _host) = by_hand(workers(1));
    let (worker, _link) = attach(&pool, ISOLATE);
    for (timeout, total, expected) in [(AMPLE, LONG, "timed out "), (LONG, AMPLE, "out of time ")] {
        let limits = Spec { timeout: Some(timeout), ..within(total, 0) };
        submit(&pool, limits);
        let task = take(&worker);
        let left = task.deadline().map(|at| at.saturating_duration_since(Instant::now()));
        assert!(left.is_some_and(|left| left <= AMPLE), "{left:?}");
        assert_eq!(outcome(&task), expected);
        assert_eq!(turn(&worker, &task), "nothing");
    }
}

#[test]
fn a_task_that_was_given_back_is_out_of_time_although_its_alarm_came_while_a_worker_had_it() {
    let (pool, _host) = by_hand(workers(1));
    let (worker, link) = attach(&pool, ISOLATE);
    link.lets_expire.store(true, Ordering::SeqCst);
    submit(&pool, within(SHORT, 7));
    let Next::Run(task, work) = worker.next(&all_ready) else { panic!("no task") };
    eventually("the alarm", || link.expired.lock().unwrap().contains(&task.id()));
    assert_eq!(task.state(), State::Running);
    worker.return_unbegun(&task, work);
    assert_eq!(outcome(&task), "out of time ");
    eventually("the announcement", || settled_once(&task));
}

#[test]
fn a_whole_time_of_zero_fails_at_once_without_running() {
    let (pool, host) = by_hand(workers(1));
    let task = submit(&pool, within(Duration::ZERO, 0));
    assert_eq!(task.state(), State::Finished);
    assert_eq!(outcome(&task), "out of time ");
    assert_eq!(host.log().starts, []);
}

#[test]
fn a_whole_time_beyond_the_end_of_time_is_no_limit() {
    let (pool, _host) = by_hand(workers(1));
    let spec = Spec { total_timeout: Some(Duration::MAX), ..noop(Kind::Native, 4) };
    assert_eq!(outcome(&submit(&pool, spec)), "value 4");
    close(&pool);
}

#[test]
fn a_shutdown_ends_in_time_whatever_runs_waits_or_is_being_started() {
    let (pool, host) = by_hand(workers(2));
    let (worker, link) = attach(&pool, ISOLATE);
    submit(&pool, noop(ISOLATE, 0));
    let runs = take(&worker);
    let waits = submit(&pool, Spec { priority: -1.0, ..noop(ISOLATE, 1) });
    assert!(pool.shutdown_within(false, SHORT));
    assert_eq!(runs.state(), State::Running);
    assert_eq!(outcome(&runs), "lost 0 ");
    assert_eq!(outcome(&waits), "cancelled");
    eventually("the stop", || *link.stopped.lock().unwrap() == [runs.id()]);
    eventually("the host to end the workers", || host.log().ended == 1);
    assert_eq!(turn(&worker, &runs), "leave");
    worker.detach(Some(0), None);
    pool.start_failed(ISOLATE, None, StartFailure::Died);
    assert!(pool.wait_closed(Some(Instant::now() + LIMIT)));
}

#[test]
fn a_shutdown_that_is_done_in_time_ends_nothing_by_force() {
    let (pool, host) = by_hand(workers(1));
    let (worker, link) = attach(&pool, ISOLATE);
    submit(&pool, noop(ISOLATE, 0));
    let task = take(&worker);
    assert!(pool.shutdown_within(false, 20 * SHORT));
    assert_eq!(turn(&worker, &task), "leave");
    worker.detach(Some(0), None);
    assert_eq!(outcome(&task), "value 0");
    assert!(pool.wait_closed(Some(Instant::now() + LIMIT)));
    std::thread::sleep(40 * SHORT);
    assert_eq!(host.log().ended, 0);
    assert!(link.stopped.lock().unwrap().is_empty());
}

#[test]
fn a_shutdown_that_has_no_time_is_a_termination() {
    let (pool, host) = by_hand(workers(1));
    let (worker, _link) = attach(&pool, ISOLATE);
    submit(&pool, noop(ISOLATE, 0));
    let task = take(&worker);
    assert!(pool.shutdown_within(false, Duration::ZERO));
    assert_eq!(task.state(), State::Finished);
    assert_eq!(host.log().ended, 1);
}
