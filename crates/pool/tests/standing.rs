//! Tasks that stand still.

mod support;

use std::time::Duration;

use pool::{Kind, State};
use support::*;

const ISOLATE: Kind = Kind::Isolate;

/// A run time that is over at once, compared with `LONG`.
const SHORT: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_millis(500);

#[test]
fn a_task_that_stands_still_is_in_no_count_and_its_worker_takes_others() {
    let (pool, host) = by_hand(workers(1));
    let (worker, link) = attach(&pool, ISOLATE);
    ask(&worker);
    let task = submit(&pool, noop(ISOLATE, 0));
    take(&worker);
    assert!(pool.stand_still(&task));
    assert!(!pool.stand_still(&task), "it does already");
    worker.suspend_claiming();
    assert_eq!(ask(&worker), "nothing");
    let stats = pool.stats();
    assert_eq!((stats.running, stats.queued, stats.idle, stats.busy), (0, 0, 1, 0));
    assert_eq!(task.state(), State::Running);
    assert!(pool.workers()[0].held.is_empty());
    assert!(!worker.leave_if_idle(), "it holds the task");
    let before = link.wakes();
    let other = submit(&pool, noop(ISOLATE, 1));
    assert_eq!(link.wakes(), before + 1);
    take(&worker);
    assert_eq!((pool.stats().running, pool.stats().busy), (1, 1));
    assert_eq!(turn(&worker, &other), "nothing");
    pool.go_on(&task);
    worker.resume_claiming();
    assert_eq!((pool.stats().running, pool.stats().busy), (1, 1));
    assert_eq!(turn(&worker, &task), "nothing");
    assert_eq!((pool.stats().running, pool.stats().counts.completed), (0, 2));
    assert_eq!(host.log().starts, []);
}

#[test]
fn standing_still_is_no_run_time() {
    let (pool, _host) = by_hand(workers(1));
    let (worker, link) = attach(&pool, ISOLATE);
    let task = submit(&pool, pool::Spec { timeout: Some(SHORT), ..noop(ISOLATE, 0) });
    take(&worker);
    assert!(pool.stand_still(&task));
    std::thread::sleep(LONG);
    assert_eq!(task.state(), State::Running);
    pool.go_on(&task);
    assert_eq!(outcome(&task), "timed out ");
    // The clock's thread settles it first.
    eventually("it is stopped", || *link.stopped.lock().unwrap() == [task.id()]);
    assert!(pool.stats().run_time.max < LONG.as_secs_f64() * 1e3 + SHORT.as_secs_f64() * 1e3);
}

#[test]
fn one_that_is_settled_while_it_stands_still_has_run_until_then() {
    let (pool, _host) = by_hand(workers(1));
    let (worker, link) = attach(&pool, ISOLATE);
    let task = submit(&pool, noop(ISOLATE, 0));
    take(&worker);
    assert!(pool.stand_still(&task));
    std::thread::sleep(LONG);
    pool.cancel(&task, true);
    assert_eq!(outcome(&task), "cancelled");
    assert_eq!(*link.stopped.lock().unwrap(), [task.id()]);
    assert_eq!((pool.stats().running, pool.stats().run_time.count), (0, 1));
    assert!(pool.stats().run_time.max < LONG.as_secs_f64() * 1e3);
    pool.go_on(&task);
    assert_eq!(pool.stats().running, 0);
    worker.finish(&task, Ok(0));
    assert_eq!(pool.stats().counts.cancelled, 1);
}

#[test]
fn a_pool_that_is_shut_down_cancels_what_stands_still_at_once_and_what_comes_to_later() {
    let (pool, host) = by_hand(workers(2));
    let (worker, link) = attach(&pool, ISOLATE);
    let (other, other_link) = attach(&pool, ISOLATE);
    let [first, second] = [0, 1].map(|label| submit(&pool, noop(ISOLATE, label)));
    take(&worker);
    take(&other);
    assert!(pool.stand_still(&first));
    pool.shutdown(false);
    assert_eq!(outcome(&first), "cancelled");
    assert_eq!((*link.stopped.lock().unwrap()).clone(), [first.id()]);
    assert_eq!(second.state(), State::Running);
    assert!(!pool.stand_still(&second));
    assert_eq!(outcome(&second), "cancelled");
    assert_eq!((*other_link.stopped.lock().unwrap()).clone(), [second.id()]);
    assert_eq!(turn(&worker, &first), "leave");
    assert_eq!(turn(&other, &second), "leave");
    worker.detach(None, None);
    other.detach(None, None);
    host.wait("the pool closes", |log| log.closed == 1);
}

#[test]
fn one_whose_worker_dies_is_lost() {
    let (pool, _host) = by_hand(workers(1));
    let (worker, _) = attach(&pool, ISOLATE);
    let task = submit(&pool, noop(ISOLATE, 0));
    take(&worker);
    assert!(pool.stand_still(&task));
    worker.detach(Some(7), None);
    assert_eq!(outcome(&task), "lost 7 ");
    assert_eq!((pool.stats().running, pool.stats().counts.lost), (0, 1));
}
