//! What waits, in which order, and how much of it.

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use pool::{Cancelled, Config, Kind, Next, Pool, Refusal, State, Task};
use support::*;

fn with_priority(label: u64, priority: f64) -> pool::Spec<Job> {
    pool::Spec { priority, ..noop(Kind::Isolate, label) }
}

/// Runs everything that waits on one worker and gives the labels in order.
fn drain(pool: &Arc<Pool<Job>>) -> Vec<u64> {
    let (worker, _link) = attach(pool, Kind::Isolate);
    let mut order = Vec::new();
    let mut next = worker.next(&all_ready);
    while let Next::Run(task, _) = next {
        order.push(task.owner().label);
        next = worker.turn(Some((&task, Ok(0))), &all_ready);
    }
    worker.detach(None, None);
    order
}

#[test]
fn higher_priority_first_then_order_of_submission() {
    let (pool, _host) = by_hand(workers(1));
    for (label, priority) in
        [(1, 0.0), (2, -1.0), (3, 5.0), (4, 0.0), (5, -0.0), (6, f64::INFINITY), (7, 5.0), (8, 0.5)]
    {
        submit(&pool, with_priority(label, priority));
    }
    assert_eq!(drain(&pool), [6, 3, 7, 8, 1, 4, 5, 2]);
}

#[test]
fn the_queue_agrees_with_a_sorted_list_whatever_is_cancelled() {
    for seed in 1..=60 {
        let mut random = Random(seed);
        let (pool, _host) = by_hand(workers(1));
        let mut model: Vec<(i64, Arc<Task<Job>>)> = Vec::new();
        let mut claimed = Vec::new();
        let (worker, _link) = attach(&pool, Kind::Isolate);
        for label in 0..400 {
            match random.below(10) {
                0..=4 => {
                    let priority = random.below(4) as i64;
                    model.push((-priority, submit(&pool, with_priority(label, priority as f64))));
                }
                5..=8 if !model.is_empty() => {
                    let (_, task) = model.remove(random.below(model.len() as u64) as usize);
                    assert_eq!(pool.cancel(&task, false), Cancelled::BeforeStart);
                }
                _ => {
                    model.sort_by_key(|(rank, task)| (*rank, task.id()));
                    let want = (!model.is_empty()).then(|| model.remove(0).1.id());
                    let got = match worker.next(&all_ready) {
                        Next::Run(task, _) => {
                            worker.finish(&task, Ok(0));
                            claimed.push(task.id());
                            Some(task.id())
                        }
                        _ => None,
                    };
                    assert_eq!(got, want, "seed {seed}");
                }
            }
            assert_eq!(pool.stats().queued, model.len(), "seed {seed}");
        }
        model.sort_by_key(|(rank, task)| (*rank, task.id()));
        let want: Vec<u64> = model.iter().map(|(_, task)| task.owner().label).collect();
        worker.detach(None, None);
        assert_eq!(drain(&pool), want, "seed {seed}");
    }
}

#[test]
fn a_full_queue_gives_the_task_back_whole() {
    let (pool, _host) = by_hand(Config { max_queue: Some(2), ..workers(1) });
    assert!(!pool.want_room(), "there is room");
    let first = submit(&pool, noop(Kind::Isolate, 1));
    submit(&pool, noop(Kind::Process, 2));
    let Err(refused) = pool.submit(noop(Kind::Isolate, 3)) else { panic!("accepted") };
    assert!(matches!(refused.reason, Refusal::Full));
    assert_eq!(refused.spec.owner.label, 3);
    assert!(matches!(pool.refusal(), Some(Refusal::Full)));
    assert_eq!(pool.cancel(&first, false), Cancelled::BeforeStart);
    submit(&pool, refused.spec);
}

#[test]
fn whoever_wants_room_is_told_once_for_each_way_that_frees_it() {
    let (pool, host) = by_hand(Config { max_queue: Some(1), ..workers(1) });
    let (worker, _link) = attach(&pool, Kind::Isolate);

    submit(&pool, noop(Kind::Isolate, 1));
    assert!(pool.want_room());
    let running = take(&worker);
    assert_eq!(host.wait("room by a claim", |log| log.rooms == 1).rooms, 1);

    let waiting = submit(&pool, noop(Kind::Isolate, 2));
    assert!(pool.want_room());
    pool.cancel(&waiting, false);
    host.wait("room by a cancel", |log| log.rooms == 2);

    let limited = pool::Spec { queue_timeout: Some(Duration::from_millis(5)), ..noop(Kind::Isolate, 3) };
    let waiting = submit(&pool, limited);
    pool.want_room();
    wait(&waiting);
    pool.want_room();
    let again = submit(&pool, noop(Kind::Isolate, 4));
    assert!(pool.want_room());
    let before = host.log().rooms;
    pool.shutdown(true);
    host.wait("room by a shutdown", |log| log.rooms == before + 1);
    assert_eq!(again.state(), State::Cancelled);
    worker.finish(&running, Ok(0));
    worker.detach(None, None);
    assert_closed(&pool);
    assert!(host.log().rooms <= 4);
}

#[test]
fn the_millionth_waiting_task_costs_what_the_first_did() {
    const MANY: u64 = 1_000_000;
    let (pool, _host) = by_hand(workers(1));
    let time = |count: u64| {
        let start = Instant::now();
        for label in 0..count {
            submit(&pool, noop(Kind::Isolate, label));
        }
        start.elapsed()
    };
    let first = time(MANY / 10);
    time(MANY * 8 / 10);
    let last = time(MANY / 10);
    assert_eq!(pool.stats().queued, MANY as usize);
    assert!(last < first * 10 + Duration::from_secs(1), "{first:?} for the first, {last:?} for the last");

    // A look at the counts and cancels in the middle are as flat.
    let start = Instant::now();
    for _ in 0..1000 {
        assert_eq!(pool.stats().queued, MANY as usize);
    }
    assert!(start.elapsed() < Duration::from_secs(5));
    pool.shutdown(true);
    assert_eq!(pool.stats().counts.cancelled, MANY);
}

#[test]
fn cancelling_a_million_from_the_back_is_not_quadratic() {
    const MANY: u64 = 300_000;
    let (pool, _host) = by_hand(workers(1));
    let tasks: Vec<_> = (0..MANY).map(|label| submit(&pool, noop(Kind::Isolate, label))).collect();
    for task in tasks.iter().rev() {
        assert_eq!(pool.cancel(task, false), Cancelled::BeforeStart);
    }
    assert_eq!(pool.stats().queued, 0);
    // The queue does not keep them either, but for a few.
    let kept = tasks.iter().filter(|task| Arc::strong_count(task) > 1).count();
    assert!(kept <= 64, "{kept} are kept");
}

#[test]
fn tasks_are_numbered_in_order_of_submission() {
    let (pool, _host) = by_hand(workers(1));
    let ids: Vec<u64> = (0..3).map(|label| submit(&pool, noop(Kind::Isolate, label)).id()).collect();
    assert_eq!(ids, [1, 2, 3]);
}

#[test]
fn a_task_stays_small() {
    // A million may wait: 1 byte more is 1 MB more.
    assert!(size_of::<Task<Job>>() <= 216, "{}", size_of::<Task<Job>>());
    // Moved once a task, and kept by none: a third limit of time and the key are in it since it had 72 bytes.
    assert!(size_of::<pool::Spec<Job>>() <= 96, "{}", size_of::<pool::Spec<Job>>());
}
