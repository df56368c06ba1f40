//! Workers that die or hang. Those that never come: starts.rs.

mod support;

use pool::{Config, Kind, StartFailure, State};
use support::*;

const ISOLATE: Kind = Kind::Isolate;

#[test]
fn a_worker_that_dies_fails_only_what_it_held() {
    let (pool, host) = by_hand(Config { tasks_per_worker: 2, ..workers(1) });
    let tasks: Vec<_> = (0..3).map(|label| submit(&pool, noop(ISOLATE, label))).collect();
    let (worker, _) = attach(&pool, ISOLATE);
    take(&worker);
    take(&worker);
    let id = worker.id();
    worker.detach(Some(7), Some("out of memory".into()));
    pool.remove_worker(id, Some(8), None, None);
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
