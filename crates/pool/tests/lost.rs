//! Workers that die, hang, or never come.

mod support;

use std::time::{Duration, Instant};

use pool::{Config, Kind, Refusal, StartFailure, State};
use support::*;

const ISOLATE: Kind = Kind::Isolate;
const NATIVE: Kind = Kind::Native;

#[test]
fn a_worker_that_dies_fails_only_what_it_held() {
    let (pool, host) = by_hand(Config { tasks_per_worker: 2, ..workers(1) });
    let tasks: Vec<_> = (0..3).map(|label| submit(&pool, noop(ISOLATE, label))).collect();
    let (worker, _) = attach(&pool, ISOLATE);
    take(&worker);
    take(&worker);
    let id = worker.id();
    worker.detach(Some(7), Some("out of memory".into()));
    pool.remove_worker(id, Some(8), None);
    assert_eq!(outcome(&tasks[0]), "lost 7 out of memory");
    assert_eq!(outcome(&tasks[1]), "lost 7 out of memory");
    assert_eq!(tasks[2].state(), State::Pending);
    assert_eq!(host.log().starts, [ISOLATE, ISOLATE]);
    let (fresh, _) = attach(&pool, ISOLATE);
    assert_eq!(ask(&fresh), "run 2");
    assert_ne!(fresh.id(), id, "a name is never used again");
    let counts = pool.stats().counts;
    assert_eq!((counts.lost, counts.completed), (2, 0));
}

#[test]
fn a_death_is_counted_once_and_only_where_nobody_has_told_the_worker_to_end() {
    let (pool, _host) = by_hand(workers(4));
    let died = || pool.stats().died;
    let tasks: Vec<_> = (0..4).map(|label| submit(&pool, noop(ISOLATE, label))).collect();
    let (busy, _) = attach(&pool, ISOLATE);
    take(&busy);
    busy.detach(Some(1), None);
    assert_eq!(died(), 1);
    let (noted, _) = attach(&pool, ISOLATE);
    take(&noted);
    pool.note_death(noted.id());
    pool.note_death(noted.id());
    assert_eq!(died(), 2);
    noted.finish(&tasks[1], Ok(1));
    noted.detach(None, None);
    assert_eq!(died(), 2, "its death was counted before");
    let (stuck, _) = attach(&pool, ISOLATE);
    take(&stuck);
    pool.abandon(stuck.id());
    stuck.detach(None, None);
    let (leaving, _) = attach(&pool, ISOLATE);
    take(&leaving);
    leaving.finish(&tasks[3], Ok(3));
    ask(&leaving);
    assert!(leaving.leave_if_idle());
    leaving.detach(None, None);
    assert_eq!(died(), 2, "given up, or told to leave");
    pool.start_failed(ISOLATE, None, StartFailure::Died);
    pool.start_failed(ISOLATE, None, StartFailure::Refused);
    assert_eq!(died(), 3, "one that has started has died");
    let (ended, _) = attach(&pool, ISOLATE);
    pool.terminate();
    ended.detach(None, None);
    assert_eq!(died(), 3);
}

#[test]
fn an_abandoned_worker_frees_its_place_and_counts_apart() {
    let (pool, host) = by_hand(workers(1));
    let (stuck, _) = attach(&pool, ISOLATE);
    let held = submit(&pool, noop(ISOLATE, 0));
    take(&stuck);
    submit(&pool, noop(ISOLATE, 1));
    assert_eq!(host.log().starts, []);
    pool.abandon(stuck.id());
    pool.abandon(stuck.id());
    assert_eq!(outcome(&held), "lost 0 ");
    assert_eq!(host.log().starts, [ISOLATE]);
    let stats = pool.stats();
    assert_eq!((stats.abandoned, stats.busy, stats.starting), (1, 0, 1));
    let (fresh, _) = attach(&pool, ISOLATE);
    let next = take(&fresh);
    // The stuck one comes back: its value is too late, and it gets nothing more.
    assert_eq!(turn(&stuck, &held), "leave");
    stuck.detach(None, None);
    assert_eq!(pool.stats().abandoned, 0);
    assert_eq!(turn(&fresh, &next), "nothing");
    let counts = pool.stats().counts;
    assert_eq!((counts.lost, counts.completed), (1, 1));
}

#[test]
fn a_closing_pool_does_not_wait_for_the_abandoned() {
    let (pool, host) = by_hand(workers(1));
    let (stuck, _) = attach(&pool, ISOLATE);
    submit(&pool, noop(ISOLATE, 0));
    take(&stuck);
    pool.shutdown(false);
    pool.abandon(stuck.id());
    assert!(pool.is_closed());
    stuck.detach(None, None);
    assert_eq!(host.log().closed, 1);
}

#[test]
fn a_woken_or_preparing_worker_can_be_abandoned() {
    let (pool, _host) = by_hand(workers(1));
    let (woken, woken_link) = attach(&pool, ISOLATE);
    ask(&woken);
    submit(&pool, noop(ISOLATE, 0));
    assert_eq!(woken_link.wakes(), 1);
    pool.abandon(woken.id());
    let (preparing, _) = attach(&pool, ISOLATE);
    pool.abandon(preparing.id());
    let (fresh, _) = attach(&pool, ISOLATE);
    assert_eq!(ask(&fresh), "run 0");
    assert_eq!(pool.stats().abandoned, 2);
}

#[test]
fn three_failed_starts_in_a_row_break_the_pool() {
    let (pool, host) = pool_with(Start::Fail, workers(2));
    let task = submit(&pool, noop(ISOLATE, 0));
    assert_eq!(outcome(&task), "broken no worker");
    assert_eq!(host.log().starts, [ISOLATE; 3]);
    let Err(refused) = pool.submit(noop(ISOLATE, 1)) else { panic!("accepted") };
    assert!(matches!(refused.reason, Refusal::Broken { cause: Some(cause) } if cause == "no worker"));
    assert!(pool.is_closed(), "nothing waits and nobody is there");
    assert_eq!(pool.stats().counts.failed, 1);
}

#[test]
fn a_start_that_succeeds_forgives_those_that_failed() {
    let (pool, _host) = by_hand(workers(1));
    submit(&pool, noop(ISOLATE, 0));
    for _ in 0..5 {
        pool.start_failed(ISOLATE, None, StartFailure::Died);
        pool.start_failed(ISOLATE, None, StartFailure::Died);
        let (worker, _) = attach(&pool, ISOLATE);
        worker.detach(None, None);
    }
    assert!(pool.refusal().is_none());
}

#[test]
fn failed_starts_do_not_break_a_pool_whose_other_workers_live() {
    let (pool, host) = pool_with(Start::Fail, workers(4));
    let (worker, _) = attach(&pool, ISOLATE);
    let tasks: Vec<_> = (0..3).map(|label| submit(&pool, noop(ISOLATE, label))).collect();
    assert_eq!(host.log().starts.len(), 3);
    assert!(pool.refusal().is_none());
    for task in &tasks {
        assert_eq!(take(&worker).id(), task.id());
        worker.finish(task, Ok(1));
    }
    // With the last of them goes the hope.
    submit(&pool, noop(ISOLATE, 3));
    worker.detach(None, None);
    assert!(matches!(pool.refusal(), Some(Refusal::Broken { .. })));
}

#[test]
fn refused_starts_do_not_break_a_pool_while_others_are_on_their_way() {
    let (pool, host) = by_hand(workers(3));
    let tasks: Vec<_> = (0..3).map(|label| submit(&pool, noop(ISOLATE, label))).collect();
    for starts in [4, 5, 5, 5] {
        pool.start_failed(ISOLATE, None, StartFailure::Refused);
        assert_eq!(host.log().starts.len(), starts);
        assert!(pool.refusal().is_none());
    }
    let (worker, _) = attach(&pool, ISOLATE);
    for task in &tasks {
        assert_eq!(take(&worker).id(), task.id());
        worker.finish(task, Ok(1));
    }
}

#[test]
fn workers_that_die_at_their_start_break_the_pool_although_others_are_on_their_way() {
    let (pool, _host) = by_hand(workers(3));
    let tasks: Vec<_> = (0..3).map(|label| submit(&pool, noop(ISOLATE, label))).collect();
    for _ in 0..3 {
        assert!(pool.refusal().is_none());
        pool.start_failed(ISOLATE, None, StartFailure::Died);
    }
    assert!(matches!(pool.refusal(), Some(Refusal::Broken { .. })));
    for task in &tasks {
        assert!(outcome(task).starts_with("broken"));
    }
}

#[test]
fn where_workers_of_one_kind_cannot_start_the_others_go_on() {
    let (pool, host) = pool_with(Start::Fail, workers(2));
    let native = submit(&pool, noop(NATIVE, 0));
    assert_eq!(outcome(&native), "value 0");
    for _ in 0..2 {
        let task = submit(&pool, noop(ISOLATE, 1));
        assert_eq!(outcome(&task), "broken no worker");
        assert!(pool.refusal().is_none());
        let native = submit(&pool, noop(NATIVE, 2));
        assert_eq!(outcome(&native), "value 2");
    }
    assert_eq!(host.log().starts, [ISOLATE; 6]);
    pool.shutdown(false);
    assert!(pool.wait_closed(None));
}

#[test]
fn a_start_that_was_refused_is_tried_again_after_a_pause() {
    let pause = Duration::from_millis(20);
    let (pool, host) = pool_with(Start::Refuse, Config { start_retry_delay: Some(pause), ..workers(2) });
    let before = Instant::now();
    let tasks = [submit(&pool, noop(ISOLATE, 0)), submit(&pool, noop(ISOLATE, 1))];
    for task in &tasks {
        assert_eq!(outcome(task), "broken no worker");
    }
    assert!(before.elapsed() >= 2 * pause);
    assert!(host.log().starts.len() <= 5);
    assert!(pool.is_closed());
}

#[test]
fn a_worker_that_comes_ends_the_pause() {
    let (pool, host) = by_hand(Config { start_retry_delay: Some(Duration::from_secs(3600)), ..workers(2) });
    let first = submit(&pool, noop(ISOLATE, 0));
    pool.start_failed(ISOLATE, None, StartFailure::Died);
    submit(&pool, noop(ISOLATE, 1));
    assert_eq!(host.log().starts.len(), 1);
    let (worker, _) = attach(&pool, ISOLATE);
    assert_eq!(take(&worker).id(), first.id());
    assert_eq!(host.log().starts.len(), 2);
}

#[test]
fn a_fatal_start_breaks_the_pool_at_once_and_lets_running_tasks_end() {
    let (pool, _host) = by_hand(workers(2));
    let (worker, _) = attach(&pool, ISOLATE);
    let running = submit(&pool, noop(ISOLATE, 0));
    take(&worker);
    let waiting = submit(&pool, noop(ISOLATE, 1));
    assert!(!pool.stats().broken);
    pool.start_failed(ISOLATE, Some("initializer".into()), StartFailure::Fatal);
    assert!(pool.stats().broken);
    pool.break_with(Some("later".into()));
    assert_eq!(outcome(&waiting), "broken initializer");
    assert_eq!(turn(&worker, &running), "leave");
    assert_eq!(outcome(&running), "value 0");
    worker.detach(None, None);
    assert!(pool.is_closed());
    assert!(matches!(pool.refusal(), Some(Refusal::Broken { cause: Some(cause) }) if cause == "initializer"));
}

#[test]
fn a_broken_pool_sends_its_idle_workers_home() {
    let (pool, _host) = by_hand(workers(1));
    let (worker, link) = attach(&pool, ISOLATE);
    ask(&worker);
    pool.break_with(None);
    assert_eq!((link.wakes(), ask(&worker)), (1, "leave".into()));
    worker.detach(None, None);
    assert!(pool.is_closed());
}

#[test]
fn warm_workers_that_die_are_replaced() {
    let (pool, host) = by_hand(Config { min_workers: 2, ..workers(2) });
    assert_eq!(host.log().starts, [ISOLATE; 2]);
    let (one, _) = attach(&pool, ISOLATE);
    let (two, _) = attach(&pool, ISOLATE);
    ask(&one);
    ask(&two);
    assert!(!one.leave_if_idle(), "it is kept warm");
    one.detach(Some(1), None);
    assert_eq!(host.log().starts, [ISOLATE; 3]);
    assert!(!two.leave_if_idle());
}

#[test]
fn a_destructor_that_panics_fails_its_task_and_not_the_pool() {
    struct Sore(std::sync::mpsc::Sender<()>);
    impl Drop for Sore {
        fn drop(&mut self) {
            let _ = self.0.send(());
            panic!("in a destructor");
        }
    }
    let (pool, _host) = by_hand(workers(1));
    let (sender, receiver) = std::sync::mpsc::channel();
    let sore = Sore(sender);
    let task = submit(
        &pool,
        with_control(Kind::Native, 0, move |_| {
            let _sore = sore;
            Ok(0)
        }),
    );
    assert_eq!(outcome(&task), "panicked in a destructor");
    receiver.recv_timeout(LIMIT).unwrap();
    assert_eq!(outcome(&submit(&pool, noop(Kind::Native, 2))), "value 2");
    close(&pool);
}
