//! Pools that become larger or smaller while they work.

mod support;

use pool::{Config, Kind};
use support::*;

const ISOLATE: Kind = Kind::Isolate;

#[test]
fn a_larger_pool_sends_a_worker_for_each_task_that_waits_at_once() {
    let (pool, host) = by_hand(workers(1));
    let (one, _) = attach(&pool, ISOLATE);
    let (two, two_link) = attach(&pool, ISOLATE);
    ask(&two);
    for label in 0..4 {
        submit(&pool, noop(ISOLATE, label));
    }
    assert_eq!(ask(&two), "run 0");
    assert_eq!(ask(&one), "nothing", "the budget is one");
    assert_eq!(pool.max_workers(), 1);
    assert!(pool.resize(3));
    assert_eq!(pool.max_workers(), 3);
    assert_eq!((two_link.wakes(), host.log().starts), (1, vec![ISOLATE]));
    assert_eq!(ask(&one), "run 1");
}

#[test]
fn in_a_smaller_pool_what_runs_goes_on_and_workers_beyond_the_limit_leave_when_they_are_done() {
    let (pool, _host) = by_hand(workers(3));
    let all: Vec<_> = (0..3).map(|_| attach(&pool, ISOLATE)).collect();
    for label in 0..5 {
        submit(&pool, noop(ISOLATE, label));
    }
    let held: Vec<_> = all.iter().map(|(worker, _)| take(worker)).collect();
    assert!(pool.resize(1));
    assert_eq!((pool.stats().running, pool.stats().queued), (3, 2));
    assert_eq!(turn(&all[0].0, &held[0]), "leave");
    assert_eq!(turn(&all[1].0, &held[1]), "leave");
    assert_eq!(turn(&all[2].0, &held[2]), "run 3");
}

#[test]
fn idle_workers_beyond_the_limit_leave_at_once_and_those_that_went_idle_first_before_the_others() {
    let (pool, _host) = by_hand(workers(3));
    let all: Vec<_> = (0..3).map(|_| attach(&pool, ISOLATE)).collect();
    for (worker, _) in &all {
        assert_eq!(ask(worker), "nothing");
    }
    assert!(pool.resize(2));
    let wakes: Vec<_> = all.iter().map(|(_, link)| link.wakes()).collect();
    assert_eq!(wakes, [1, 0, 0]);
    assert_eq!(ask(&all[0].0), "leave");
    submit(&pool, noop(ISOLATE, 0));
    submit(&pool, noop(ISOLATE, 1));
    assert_eq!((ask(&all[1].0), ask(&all[2].0)), ("run 0".into(), "run 1".into()));
}

#[test]
fn a_worker_that_was_woken_for_a_task_and_is_one_too_many_leaves_the_task_to_another() {
    let (pool, _host) = by_hand(workers(2));
    let all: Vec<_> = (0..2).map(|_| attach(&pool, ISOLATE)).collect();
    for (worker, _) in &all {
        ask(worker);
    }
    submit(&pool, noop(ISOLATE, 0));
    assert_eq!(all[1].1.wakes(), 1);
    assert!(pool.resize(1));
    assert_eq!(ask(&all[1].0), "leave");
    assert_eq!(all[0].1.wakes(), 1);
    assert_eq!(ask(&all[0].0), "run 0");
}

#[test]
fn a_pool_that_grows_again_before_a_worker_has_left_keeps_it() {
    let (pool, _host) = by_hand(workers(2));
    let all: Vec<_> = (0..2).map(|_| attach(&pool, ISOLATE)).collect();
    for (worker, _) in &all {
        ask(worker);
    }
    assert!(pool.resize(1) && pool.resize(2));
    assert_eq!((ask(&all[0].0), ask(&all[1].0)), ("nothing".into(), "nothing".into()));
    assert_eq!(pool.stats().idle, 2);
}

#[test]
fn workers_that_hold_several_tasks_run_dry_in_a_smaller_pool() {
    let (pool, _host) = by_hand(Config { tasks_per_worker: 2, ..workers(2) });
    let all: Vec<_> = (0..2).map(|_| attach(&pool, ISOLATE)).collect();
    for label in 0..6 {
        submit(&pool, noop(ISOLATE, label));
    }
    let first = take(&all[0].0);
    let second = take(&all[1].0);
    let beside = take(&all[1].0);
    assert!(pool.resize(1));
    // It has room beside its task, but two have a place where one may.
    assert_eq!(turn(&all[1].0, &second), "nothing");
    let wakes = all[1].1.wakes();
    assert_eq!(turn(&all[0].0, &first), "leave");
    assert_eq!(all[1].1.wakes(), wakes + 1, "now there is one only");
    assert_eq!(ask(&all[1].0), "run 3");
    assert_eq!(turn(&all[1].0, &beside), "run 4");
}

#[test]
fn what_a_waiting_task_s_place_was_lent_to_is_not_one_too_many_until_the_wait_is_over() {
    let (pool, _host) = by_hand(workers(2));
    let (one, _) = attach(&pool, ISOLATE);
    let (two, _) = attach(&pool, ISOLATE);
    submit(&pool, noop(ISOLATE, 0));
    let waits = take(&one);
    one.suspend();
    assert_eq!(ask(&two), "nothing");
    assert!(pool.resize(1));
    assert_eq!(ask(&two), "nothing", "it is the only one that can claim");
    one.resume();
    assert_eq!(turn(&one, &waits), "leave");
}

#[test]
fn a_pool_is_not_made_smaller_than_its_warm_workers_nor_empty_nor_changed_once_it_is_closed() {
    let (pool, _host) = by_hand(Config { min_workers: 2, ..workers(4) });
    assert!(!pool.resize(1) && !pool.resize(0));
    assert_eq!(pool.max_workers(), 4);
    assert!(pool.resize(2));
    let all: Vec<_> = (0..2).map(|_| attach(&pool, ISOLATE).0).collect();
    pool.shutdown(false);
    assert!(pool.resize(3), "while it drains");
    assert_eq!(pool.max_workers(), 3);
    for worker in all {
        assert_eq!(ask(&worker), "leave");
        worker.detach(None, None);
    }
    assert_closed(&pool);
    assert!(pool.resize(4));
    assert_eq!(pool.max_workers(), 3);
}

#[test]
fn a_pool_that_drains_takes_more_workers_when_it_is_made_larger() {
    let (pool, host) = by_hand(workers(1));
    let (one, _) = attach(&pool, ISOLATE);
    for label in 0..3 {
        submit(&pool, noop(ISOLATE, label));
    }
    let held = take(&one);
    pool.shutdown(false);
    let before = host.log().starts.len();
    assert!(pool.resize(3));
    assert_eq!(host.log().starts.len(), before + 2);
    drop(held);
}
