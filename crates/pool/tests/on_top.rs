//! Tasks on top of one that waits: another worker is preferred.

mod support;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use pool::{Config, Kind, Pool, Task, Worker};
use support::*;

const ISOLATE: Kind = Kind::Isolate;

/// A worker whose task waits and leaves the thread free; it has submitted nothing of what comes.
fn waiter(pool: &Arc<Pool<Job>>) -> (Worker<Job>, Arc<Link>, Arc<Task<Job>>) {
    let (worker, link) = attach(pool, ISOLATE);
    link.submits_nothing.store(true, Ordering::SeqCst);
    submit(pool, noop(ISOLATE, 0));
    let outer = take(&worker);
    worker.suspend_claiming();
    assert_eq!(ask(&worker), "nothing");
    (worker, link, outer)
}

#[test]
fn a_worker_is_started_rather_than_that_a_task_lies_on_top_of_one_that_waits() {
    let (pool, host) = by_hand(workers(2));
    let (worker, link, _) = waiter(&pool);
    let starts = host.log().starts.len();
    submit(&pool, noop(ISOLATE, 1));
    assert_eq!((host.log().starts.len(), link.wakes()), (starts + 1, 0));
    assert_eq!(ask(&worker), "nothing");
    let (other, _) = attach(&pool, ISOLATE);
    assert_eq!(ask(&other), "run 1");
    // All that may be are there.
    submit(&pool, noop(ISOLATE, 2));
    assert_eq!((host.log().starts.len(), link.wakes()), (starts + 1, 1));
    assert_eq!(ask(&worker), "run 2");
}

#[test]
fn a_start_that_does_not_come_is_not_waited_for_long() {
    let (pool, _host) = by_hand(workers(2));
    let (worker, link, _) = waiter(&pool);
    submit(&pool, noop(ISOLATE, 1));
    assert_eq!(link.wakes(), 0);
    eventually("the waiter is woken", || link.wakes() == 1);
    assert_eq!(ask(&worker), "run 1");
}

#[test]
fn an_idle_worker_is_sent_rather_than_that_a_task_lies_on_top_of_one_that_waits() {
    let (pool, host) = by_hand(workers(2));
    let (other, other_link) = attach(&pool, ISOLATE);
    assert_eq!(ask(&other), "nothing");
    let (waiter_, link) = attach(&pool, ISOLATE);
    submit(&pool, noop(ISOLATE, 0));
    // The idle one was sent; the other takes it first.
    take(&waiter_);
    assert_eq!(ask(&other), "nothing");
    let before = (link.wakes(), other_link.wakes(), host.log().starts.len());
    waiter_.suspend_claiming();
    submit(&pool, noop(ISOLATE, 1));
    assert_eq!(
        (link.wakes(), other_link.wakes(), host.log().starts.len()),
        (before.0, before.1 + 1, before.2)
    );
    assert_eq!(ask(&other), "run 1");
}

#[test]
fn what_the_waiting_task_has_submitted_lies_on_top_of_it_at_once() {
    let (pool, host) = by_hand(workers(2));
    let (worker, link, _) = waiter(&pool);
    link.submits_nothing.store(false, Ordering::SeqCst);
    let starts = host.log().starts.len();
    submit(&pool, noop(ISOLATE, 1));
    assert_eq!((host.log().starts.len(), link.wakes()), (starts, 1));
    assert_eq!(ask(&worker), "run 1");
}

#[test]
fn a_worker_with_room_for_several_tasks_takes_them_beside_one_that_waits() {
    let (pool, host) = by_hand(Config { tasks_per_worker: 3, ..workers(2) });
    let (worker, link, _) = waiter(&pool);
    let starts = host.log().starts.len();
    submit(&pool, noop(ISOLATE, 1));
    assert_eq!((host.log().starts.len(), link.wakes()), (starts, 1));
    assert_eq!(ask(&worker), "run 1");
}
