//! Tasks that block their worker for a limited time: `Worker::suspend_for`.

mod support;

use std::sync::Arc;

use pool::{Config, Kind, Pool, Task, Worker};
use support::*;

const ISOLATE: Kind = Kind::Isolate;

/// A worker that runs a task, and what that has submitted.
fn waiter(pool: &Arc<Pool<Job>>) -> (Worker<Job>, Arc<Task<Job>>) {
    let (worker, _) = attach(pool, ISOLATE);
    let outer = take(&worker);
    (worker, outer)
}

#[test]
fn what_is_waited_for_in_time_comes_before_all_others_and_is_again_where_it_was_when_the_wait_ends() {
    let (pool, host) = by_hand(workers(1));
    submit(&pool, noop(ISOLATE, 0));
    let (worker, _) = waiter(&pool);
    submit(&pool, noop(ISOLATE, 1));
    let awaited = submit(&pool, noop(ISOLATE, 2));
    submit(&pool, noop(ISOLATE, 3));
    assert!(worker.suspend_for(&awaited, false));
    assert_eq!(host.log().starts.len(), 2, "another worker is started for it");
    worker.resume();
    let (lent, _) = attach(&pool, ISOLATE);
    assert_eq!(ask(&lent), "nothing", "the waiter has its place again");
    assert!(worker.suspend_for(&awaited, false));
    let running = take(&lent);
    assert!(Arc::ptr_eq(&running, &awaited));
    assert_eq!(turn(&lent, &running), "run 1");
}

#[test]
fn a_wait_that_ends_before_anybody_has_come_leaves_the_order_of_the_queue() {
    let (pool, _host) = by_hand(workers(1));
    submit(&pool, noop(ISOLATE, 0));
    let (worker, outer) = waiter(&pool);
    submit(&pool, noop(ISOLATE, 1));
    let awaited = submit(&pool, noop(ISOLATE, 2));
    assert!(worker.suspend_for(&awaited, false));
    worker.resume();
    assert_eq!(turn(&worker, &outer), "run 1");
    assert_eq!(pool.stats().queued, 1);
}

#[test]
fn what_is_waited_for_has_the_waiter_s_place_also_beyond_the_budget() {
    let (pool, host) = by_hand(workers(1));
    submit(&pool, noop(ISOLATE, 0));
    let (worker, _) = waiter(&pool);
    let left = submit(&pool, noop(ISOLATE, 1));
    assert!(worker.suspend_for(&left, false));
    let (one, _) = attach(&pool, ISOLATE);
    take(&one);
    // Out of time: it goes on, although what it has waited for fills the budget.
    worker.resume();
    let second = submit(&pool, noop(ISOLATE, 2));
    submit(&pool, noop(ISOLATE, 3));
    assert!(worker.suspend_for(&second, false));
    assert_eq!(host.log().starts.len(), 3);
    let (two, _) = attach(&pool, ISOLATE);
    let running = take(&two);
    assert!(Arc::ptr_eq(&running, &second));
    assert_eq!(turn(&two, &running), "nothing", "this place is the waiter's");
}

#[test]
fn threads_that_are_lent_for_limited_waits_have_a_limit_beyond_which_the_waiter_runs_the_task() {
    for (own, most) in [(1, 9), (20, 40)] {
        let (pool, host) = by_hand(workers(own));
        let mut waiters = Vec::new();
        submit(&pool, noop(ISOLATE, 0));
        let last = loop {
            let (worker, _) = waiter(&pool);
            let awaited = submit(&pool, noop(ISOLATE, 1));
            if !worker.suspend_for(&awaited, false) {
                break (worker, awaited);
            }
            waiters.push(worker);
            assert_eq!(host.log().starts.len(), waiters.len() + 1);
        };
        assert_eq!(waiters.len() + 1, most);
        let (worker, awaited) = last;
        assert!(worker.claim_task(&awaited).is_some());
        // Where that cannot be, one is started after all.
        let deeper = submit(&pool, noop(ISOLATE, 2));
        assert!(!worker.suspend_for(&deeper, false));
        assert!(worker.suspend_for(&deeper, true));
        assert_eq!(host.log().starts.len(), most + 1);
        let (lent, _) = attach(&pool, ISOLATE);
        assert!(Arc::ptr_eq(&take(&lent), &deeper));
    }
}

#[test]
fn while_others_fill_the_budget_a_limited_wait_takes_its_turn() {
    let (pool, host) = by_hand(workers(1));
    submit(&pool, noop(ISOLATE, 0));
    let (worker, _) = waiter(&pool);
    let mut busy = Vec::new();
    for label in 1..=8 {
        let left = submit(&pool, noop(ISOLATE, label));
        assert!(worker.suspend_for(&left, false));
        let (lent, _) = attach(&pool, ISOLATE);
        busy.push((take(&lent), lent));
        worker.resume();
    }
    let awaited = submit(&pool, noop(ISOLATE, 9));
    assert!(worker.suspend_for(&awaited, false), "it does not have to run it itself");
    assert_eq!(host.log().starts.len(), 9);
    let (running, lent) = &busy[0];
    assert_eq!(turn(lent, running), "run 9");
}

#[test]
fn a_waiter_that_ends_takes_its_haste_along() {
    for abandoned in [false, true] {
        let (pool, _host) = by_hand(Config { max_workers: 2, ..workers(1) });
        submit(&pool, noop(ISOLATE, 0));
        let (worker, _) = waiter(&pool);
        submit(&pool, noop(ISOLATE, 1));
        let awaited = submit(&pool, noop(ISOLATE, 2));
        assert!(worker.suspend_for(&awaited, false));
        if abandoned {
            pool.abandon(worker.id());
        } else {
            worker.detach(None, None);
        }
        let (other, _) = attach(&pool, ISOLATE);
        assert_eq!(ask(&other), "run 1");
    }
}

#[test]
fn a_task_that_settles_while_it_is_waited_for_is_forgotten() {
    let (pool, _host) = by_hand(workers(1));
    submit(&pool, noop(ISOLATE, 0));
    let (worker, outer) = waiter(&pool);
    let awaited = submit(&pool, noop(ISOLATE, 1));
    submit(&pool, noop(ISOLATE, 2));
    assert!(worker.suspend_for(&awaited, false));
    pool.cancel(&awaited, false);
    worker.resume();
    assert_eq!(turn(&worker, &outer), "run 2");
    assert_eq!(pool.stats().queued, 0);
}

#[test]
fn an_untimed_wait_gets_a_worker_behind_more_limited_ones_than_workers_are_lent_for() {
    let (pool, host) = by_hand(workers(1));
    submit(&pool, noop(ISOLATE, 0));
    let (mut worker, _) = waiter(&pool);
    let mut waiting = Vec::new();
    for label in 1..=9 {
        let awaited = submit(&pool, noop(ISOLATE, label));
        if !worker.suspend_for(&awaited, false) {
            // An asynchronous task: it cannot run on top of its waiter.
            assert!(worker.suspend_for(&awaited, true));
        }
        let (lent, _) = attach(&pool, ISOLATE);
        let running = take(&lent);
        // The waiter looks up now and then, and goes on waiting for what runs by now.
        worker.resume();
        worker.suspend_limited();
        waiting.push((std::mem::replace(&mut worker, lent), running));
    }
    assert_eq!(host.log().starts.len(), 10);
    submit(&pool, noop(ISOLATE, 10));
    worker.suspend();
    assert_eq!(host.log().starts.len(), 11, "nobody else could run what it waits for");
}
