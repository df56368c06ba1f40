//! Tasks of one key run on one worker, one after another.

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use pool::{Config, Key, Kind, Next, Pool, Spec, State, Task, Worker};
use support::*;

const ISOLATE: Kind = Kind::Isolate;

fn key(name: &str) -> Option<Key> {
    Some(Key::new(name.as_bytes().into()))
}

fn keyed(name: &str, label: u64) -> Spec<Job> {
    Spec { key: key(name), ..noop(ISOLATE, label) }
}

fn put(pool: &Arc<Pool<Job>>, name: &str, label: u64) -> Arc<Task<Job>> {
    submit(pool, keyed(name, label))
}

/// Takes a task and says which.
fn taken(worker: &Worker<Job>) -> (Arc<Task<Job>>, u64) {
    let task = take(worker);
    let label = task.owner().label;
    (task, label)
}

#[test]
fn the_second_task_of_a_key_waits_for_the_worker_of_the_first_beside_an_idle_one() {
    let (pool, _host) = by_hand(workers(2));
    let (one, _) = attach(&pool, ISOLATE);
    let (two, link) = attach(&pool, ISOLATE);
    assert_eq!((ask(&one), ask(&two)), ("nothing".into(), "nothing".into()));
    put(&pool, "a", 1);
    let (first, label) = taken(&two);
    assert_eq!(label, 1);
    put(&pool, "a", 2);
    let wakes = link.wakes();
    assert_eq!(ask(&one), "nothing");
    assert_eq!(link.wakes(), wakes, "nobody is sent for a task whose worker is busy");
    assert_eq!(pool.stats().queued, 1);
    assert_eq!(turn(&two, &first), "run 2");
    assert_eq!(pool.stats().queued, 0);
}

#[test]
fn other_tasks_pass_those_that_wait_for_a_busy_worker() {
    let (pool, _host) = by_hand(workers(2));
    let (one, _) = attach(&pool, ISOLATE);
    let (two, _) = attach(&pool, ISOLATE);
    put(&pool, "a", 1);
    let (first, _) = taken(&one);
    for label in 2..1000 {
        put(&pool, "a", label);
    }
    submit(&pool, noop(ISOLATE, 5000));
    put(&pool, "b", 6000);
    let (other, label) = taken(&two);
    assert_eq!(label, 5000);
    assert_eq!(turn(&two, &other), "run 6000");
    assert_eq!(turn(&one, &first), "run 2");
}

#[test]
fn an_idle_worker_is_woken_for_a_task_of_its_key_and_no_other() {
    let (pool, host) = by_hand(workers(3));
    let (one, first_link) = attach(&pool, ISOLATE);
    let (two, second_link) = attach(&pool, ISOLATE);
    put(&pool, "a", 1);
    let (task, _) = taken(&one);
    assert_eq!((turn(&one, &task), ask(&two)), ("nothing".into(), "nothing".into()));
    let (before, other) = (first_link.wakes(), second_link.wakes());
    // Two is the one that went idle last.
    put(&pool, "a", 2);
    assert_eq!((first_link.wakes(), second_link.wakes()), (before + 1, other));
    // One comes for its own, so it is no help for this.
    submit(&pool, noop(ISOLATE, 3));
    assert_eq!(second_link.wakes(), other + 1);
    assert_eq!((ask(&one), ask(&two)), ("run 2".into(), "run 3".into()));
    assert_eq!(host.log().starts, []);
}

#[test]
fn within_a_key_a_higher_priority_comes_first_then_the_order_of_submission() {
    let (pool, _host) = by_hand(workers(1));
    for (label, priority) in [(1, 0.0), (2, 0.0), (3, 5.0), (4, 5.0), (5, -1.0)] {
        submit(&pool, Spec { priority, ..keyed("a", label) });
    }
    let (worker, _) = attach(&pool, ISOLATE);
    let (mut task, mut label) = taken(&worker);
    let mut order = vec![label];
    while let Next::Run(next, _) = worker.turn(Some((&task, Ok(label))), &all_ready) {
        (label, task) = (next.owner().label, next);
        order.push(label);
    }
    assert_eq!(order, [3, 4, 1, 2, 5]);
}

#[test]
fn with_one_worker_keys_change_nothing_about_the_order() {
    let (pool, _host) = by_hand(workers(1));
    let (worker, _) = attach(&pool, ISOLATE);
    for label in 0..30 {
        match label % 3 {
            0 => put(&pool, "a", label),
            1 => put(&pool, "b", label),
            _ => submit(&pool, noop(ISOLATE, label)),
        };
    }
    let (mut task, _) = taken(&worker);
    for label in 1..30 {
        match worker.turn(Some((&task, Ok(0))), &all_ready) {
            Next::Run(next, _) => task = next,
            other => panic!("{} instead of {label}", word(&other)),
        }
        assert_eq!(task.owner().label, label);
    }
}

#[test]
fn a_worker_with_many_keys_does_its_own_until_one_with_few_that_was_sent_for_has_come() {
    let (pool, _host) = by_hand(workers(2));
    let (one, _) = attach(&pool, ISOLATE);
    let (two, _) = attach(&pool, ISOLATE);
    assert_eq!((ask(&one), ask(&two)), ("nothing".into(), "nothing".into()));
    for (label, name) in ["a", "b", "c", "d", "e", "f", "a", "b"].into_iter().enumerate() {
        put(&pool, name, label as u64);
    }
    let (mut task, label) = taken(&one);
    assert_eq!(label, 0);
    // The first of "e" comes before the second of "a"; two, which has no key, is on its way.
    for label in [1, 2, 3, 6] {
        let Next::Run(next, _) = one.turn(Some((&task, Ok(0))), &all_ready) else { panic!("not {label}") };
        assert_eq!(next.owner().label, label);
        task = next;
    }
    let (other, label) = taken(&two);
    assert_eq!(label, 4);
    assert_eq!(turn(&one, &task), "run 5");
    assert_eq!(turn(&two, &other), "nothing");
}

#[test]
fn a_worker_with_many_keys_does_not_rest_for_one_that_does_not_come() {
    let (pool, _host) = by_hand(workers(2));
    let (one, _) = attach(&pool, ISOLATE);
    let (two, _) = attach(&pool, ISOLATE);
    assert_eq!((ask(&one), ask(&two)), ("nothing".into(), "nothing".into()));
    for (label, name) in ["a", "b", "c", "d", "e", "a"].into_iter().enumerate() {
        put(&pool, name, label as u64);
    }
    let urgent = submit(&pool, Spec { priority: 1.0, ..keyed("f", 6) });
    let (mut task, label) = taken(&one);
    assert_eq!(label, 6);
    assert_eq!(pool.home_of(&urgent), Some(one.id()));
    for label in [0, 1, 2, 5, 3, 4] {
        let Next::Run(next, _) = one.turn(Some((&task, Ok(0))), &all_ready) else { panic!("not {label}") };
        assert_eq!(next.owner().label, label);
        task = next;
    }
    assert_eq!((ask(&two), turn(&one, &task)), ("nothing".into(), "nothing".into()));
}

#[test]
fn the_tasks_of_a_worker_that_dies_go_to_another_in_their_order() {
    let (pool, _host) = by_hand(workers(2));
    let (one, _) = attach(&pool, ISOLATE);
    let (two, link) = attach(&pool, ISOLATE);
    put(&pool, "a", 1);
    let (first, _) = taken(&one);
    for label in 2..5 {
        put(&pool, "a", label);
    }
    assert_eq!(ask(&two), "nothing");
    let wakes = link.wakes();
    one.detach(Some(1), None);
    assert_eq!(outcome(&first), "lost 1 ");
    assert_eq!(link.wakes(), wakes + 1);
    let (second, label) = taken(&two);
    assert_eq!(label, 2);
    let (three, _) = attach(&pool, ISOLATE);
    assert_eq!(ask(&three), "nothing");
    assert_eq!(turn(&two, &second), "run 3");
}

#[test]
fn an_abandoned_worker_counts_as_dead() {
    let (pool, _host) = by_hand(workers(1));
    let (one, _) = attach(&pool, ISOLATE);
    put(&pool, "a", 1);
    let (first, _) = taken(&one);
    let second = put(&pool, "a", 2);
    pool.abandon(one.id());
    assert_eq!(outcome(&first), "lost 0 ");
    let (two, _) = attach(&pool, ISOLATE);
    let (task, label) = taken(&two);
    assert_eq!(label, 2);
    // Its thread comes back.
    one.finish(&first, Ok(1));
    assert_eq!(ask(&one), "leave");
    put(&pool, "a", 3);
    let (three, _) = attach(&pool, ISOLATE);
    assert_eq!(ask(&three), "nothing", "the key is held by another task now");
    assert_eq!(turn(&two, &task), "run 3");
    assert_eq!(outcome(&second), "value 2");
}

#[test]
fn a_worker_that_retires_ends_its_task_before_another_begins_the_next_of_the_key() {
    let (pool, _host) = by_hand(workers(2));
    let (one, _) = attach(&pool, ISOLATE);
    let (two, _) = attach(&pool, ISOLATE);
    put(&pool, "a", 1);
    let (first, _) = taken(&one);
    put(&pool, "a", 2);
    assert!(pool.retire(one.id()));
    assert_eq!(ask(&two), "nothing");
    one.finish(&first, Ok(1));
    assert_eq!(ask(&one), "leave");
    assert_eq!(ask(&two), "run 2");
}

#[test]
fn while_a_task_waits_for_a_future_others_of_its_key_run_on_its_worker() {
    let (pool, _host) = by_hand(workers(1));
    let (one, _) = attach(&pool, ISOLATE);
    put(&pool, "a", 1);
    let (first, _) = taken(&one);
    put(&pool, "a", 2);
    assert_eq!(ask(&one), "nothing");
    pool.note_waits(&first, true);
    assert!(one.suspend_claiming(), "it has one of its own");
    let Next::Run(second, _) = one.next(&all_ready) else { panic!("nothing") };
    assert_eq!(second.owner().label, 2);
    assert_eq!(turn(&one, &second), "nothing");
    one.resume_claiming();
    pool.note_waits(&first, false);
    put(&pool, "a", 3);
    assert_eq!(ask(&one), "nothing", "it holds its key again");
    assert_eq!(turn(&one, &first), "run 3");
}

#[test]
fn of_a_worker_that_holds_several_tasks_one_at_a_time_has_the_key() {
    let (pool, _host) = by_hand(Config { tasks_per_worker: 4, ..workers(1) });
    let (one, _) = attach(&pool, ISOLATE);
    for (name, label) in [("a", 1), ("a", 2), ("b", 3), ("b", 4)] {
        put(&pool, name, label);
    }
    let (first, label) = taken(&one);
    assert_eq!(label, 1);
    let (second, label) = taken(&one);
    assert_eq!(label, 3);
    assert_eq!(ask(&one), "nothing");
    submit(&pool, noop(ISOLATE, 5));
    assert_eq!(ask(&one), "run 5");
    assert_eq!(turn(&one, &first), "run 2");
    assert_eq!(turn(&one, &second), "run 4");
}

#[test]
fn a_waiter_may_run_what_it_waits_for_on_its_stack_only_if_that_is_its_own_or_anybodys() {
    let (pool, _host) = by_hand(workers(2));
    let (one, _) = attach(&pool, ISOLATE);
    let (two, _) = attach(&pool, ISOLATE);
    put(&pool, "a", 1);
    let (first, _) = taken(&one);
    put(&pool, "b", 2);
    let (second, _) = taken(&two);
    let (own, others, free) = (put(&pool, "a", 3), put(&pool, "b", 4), put(&pool, "c", 5));
    assert_eq!((pool.home_of(&own), pool.home_of(&others)), (Some(one.id()), Some(two.id())));
    assert_eq!(pool.home_of(&free), None);
    assert!(one.claim_task(&own).is_none(), "the one that holds the key does not wait");
    pool.note_waits(&first, true);
    one.suspend();
    assert!(one.claim_task(&others).is_none());
    assert!(one.claim_task(&own).is_some() && one.claim_task(&free).is_some());
    assert_eq!(pool.home_of(&put(&pool, "c", 6)), Some(one.id()));
    one.finish(&own, Ok(3));
    one.finish(&free, Ok(5));
    one.resume();
    pool.note_waits(&first, false);
    assert_eq!(turn(&two, &second), "run 4");
    assert_eq!(turn(&one, &first), "run 6");
}

#[test]
fn cancelled_and_expired_tasks_leave_the_others_of_their_key_in_order() {
    let (pool, _host) = by_hand(Config { max_queue: Some(4), ..workers(1) });
    let tasks: Vec<_> = (0..4).map(|label| put(&pool, "a", label)).collect();
    assert!(pool.submit(keyed("b", 9)).is_err(), "they count against max_queue");
    pool.cancel(&tasks[0], false);
    pool.cancel(&tasks[2], false);
    assert_eq!(pool.stats().queued, 2);
    let late = submit(&pool, Spec { queue_timeout: Some(Duration::from_millis(5)), ..keyed("a", 8) });
    assert_eq!(outcome(&late), "expired");
    let (worker, _) = attach(&pool, ISOLATE);
    let (first, label) = taken(&worker);
    assert_eq!(label, 1);
    assert_eq!(turn(&worker, &first), "run 3");
    assert_eq!(pool.stats().queued, 0);
}

#[test]
fn a_shutdown_runs_what_waits_for_a_key_and_a_cancelling_one_cancels_it() {
    let (pool, _host) = by_hand(workers(1));
    let (worker, _) = attach(&pool, ISOLATE);
    put(&pool, "a", 1);
    let (first, _) = taken(&worker);
    let (second, third) = (put(&pool, "a", 2), put(&pool, "a", 3));
    pool.shutdown(false);
    let Next::Run(second_again, _) = worker.turn(Some((&first, Ok(1))), &all_ready) else { panic!() };
    assert!(Arc::ptr_eq(&second, &second_again));
    pool.shutdown(true);
    assert_eq!(third.state(), State::Cancelled);
    assert_eq!(turn(&worker, &second), "leave");
    worker.detach(Some(0), None);
    assert_closed(&pool);
}

#[test]
fn a_key_without_tasks_is_forgotten_after_the_idle_timeout() {
    // More than the machine may take from one step here to the next.
    let idle = Duration::from_millis(500);
    let (pool, _host) = by_hand(Config { idle_timeout: Some(idle), min_workers: 2, ..workers(2) });
    let (one, _) = attach(&pool, ISOLATE);
    let (two, _) = attach(&pool, ISOLATE);
    put(&pool, "a", 1);
    let (first, _) = taken(&one);
    assert_eq!(turn(&one, &first), "nothing");
    let again = put(&pool, "a", 2);
    assert_eq!(pool.home_of(&again), Some(one.id()));
    assert_eq!(ask(&two), "nothing");
    let (task, _) = taken(&one);
    let started = Instant::now();
    assert_eq!(turn(&one, &task), "nothing");
    eventually("the end of the key", || pool.keys() == 0);
    assert!(started.elapsed() >= idle - Duration::from_millis(5));
    assert_eq!(pool.home_of(&put(&pool, "a", 3)), None);
}

#[test]
fn a_million_keys_leave_nothing_behind() {
    let idle = Duration::from_millis(20);
    let (pool, _host) = by_hand(Config { idle_timeout: Some(idle), min_workers: 1, ..workers(1) });
    let (worker, _) = attach(&pool, ISOLATE);
    let many: u64 = if cfg!(debug_assertions) { 50_000 } else { 1_000_000 };
    for label in 0..many {
        put(&pool, &format!("key {label}"), label);
        let (task, _) = taken(&worker);
        worker.finish(&task, Ok(label));
    }
    assert_eq!(ask(&worker), "nothing");
    eventually("the end of all keys", || pool.keys() == 0);
    assert_eq!(pool.stats().counts.completed, many);
}

#[test]
fn a_place_goes_to_the_earliest_task_also_if_only_an_idle_worker_may_begin_it() {
    let (pool, _host) = by_hand(workers(1));
    let (one, _) = attach(&pool, ISOLATE);
    put(&pool, "a", 1);
    let (first, _) = taken(&one);
    // It waits, and a second worker is lent.
    one.suspend();
    let (two, _) = attach(&pool, ISOLATE);
    submit(&pool, noop(ISOLATE, 2));
    let (second, _) = taken(&two);
    one.resume();
    assert_eq!(turn(&one, &first), "nothing");
    put(&pool, "a", 3);
    submit(&pool, noop(ISOLATE, 4));
    assert_eq!(turn(&two, &second), "nothing", "an earlier task waits for the other worker");
    assert_eq!(ask(&one), "run 3");
}

#[test]
fn what_was_given_back_is_the_first_of_its_key_again() {
    let (pool, _host) = by_hand(workers(1));
    let (worker, _) = attach(&pool, ISOLATE);
    put(&pool, "a", 1);
    put(&pool, "a", 2);
    let Next::Run(task, work) = worker.next(&all_ready) else { panic!() };
    worker.return_unbegun(&task, work);
    assert_eq!(pool.stats().queued, 2);
    let (task, label) = taken(&worker);
    assert_eq!(label, 1);
    assert_eq!(turn(&worker, &task), "run 2");
}

#[test]
fn threads_that_take_and_die_run_each_key_on_one_of_them_at_a_time() {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};
    let (pool, _host) = pool_with(Start::Serve, workers(4));
    let running: Arc<[AtomicUsize; 8]> = Arc::new(std::array::from_fn(|_| AtomicUsize::new(0)));
    let order: Arc<Mutex<Vec<Vec<u64>>>> = Arc::new(Mutex::new(vec![Vec::new(); 8]));
    let tasks: Vec<_> = (0..4000u64)
        .map(|n| {
            let (running, order, k) = (running.clone(), order.clone(), (n % 8) as usize);
            let body = move || {
                assert_eq!(running[k].fetch_add(1, Ordering::SeqCst), 0);
                order.lock().unwrap()[k].push(n);
                std::thread::yield_now();
                running[k].fetch_sub(1, Ordering::SeqCst);
                n
            };
            submit(&pool, Spec { key: key(&format!("{k}")), ..spec(ISOLATE, n, body) })
        })
        .collect();
    for (n, task) in tasks.iter().enumerate() {
        assert_eq!(outcome(task), format!("value {n}"));
    }
    for list in order.lock().unwrap().iter() {
        assert!(list.is_sorted() && list.len() == 500);
    }
    close(&pool);
}

#[test]
fn a_worker_does_not_leave_its_place_to_a_later_task_of_another_kind() {
    let (pool, _host) = by_hand(workers(1));
    let (one, _) = attach(&pool, ISOLATE);
    put(&pool, "a", 1);
    let (first, _) = taken(&one);
    put(&pool, "a", 2);
    let native = submit(&pool, noop(Kind::Native, 3));
    let Next::Run(second, _) = one.turn(Some((&first, Ok(1))), &all_ready) else { panic!("it left") };
    assert_eq!(second.owner().label, 2);
    assert_eq!(turn(&one, &second), "nothing");
    assert_eq!(outcome(&native), "value 3");
}

#[test]
fn what_a_task_waits_for_runs_elsewhere_if_its_worker_may_claim_nothing_more() {
    for retires in [true, false] {
        let (pool, _host) = by_hand(Config { max_tasks_per_worker: Some(1), ..workers(2) });
        let (one, _) = attach(&pool, ISOLATE);
        let (two, _) = attach(&pool, ISOLATE);
        put(&pool, "a", 1);
        let (first, _) = taken(&one);
        put(&pool, "a", 2);
        if retires {
            assert!(pool.retire(one.id()));
        }
        assert_eq!(ask(&two), "nothing", "the first one runs");
        pool.note_waits(&first, true);
        one.suspend_claiming();
        assert_eq!(ask(&one), "nothing");
        assert_eq!(ask(&two), "run 2");
        one.finish(&first, Ok(1));
    }
}

type Home = (Worker<Job>, Arc<Link>);

/// One worker that holds a task and is the home of key "b", and has room. It is the only one that may run.
fn home_with_room() -> (Arc<Pool<Job>>, Home, Arc<Task<Job>>) {
    let (pool, _host) = by_hand(Config { tasks_per_worker: 3, ..workers(1) });
    let (home, link) = attach(&pool, ISOLATE);
    let first = submit(&pool, noop(ISOLATE, 1));
    assert_eq!(ask(&home), "run 1");
    put(&pool, "b", 2);
    let (second, _) = taken(&home);
    assert_eq!(turn(&home, &second), "nothing");
    (pool, (home, link), first)
}

#[test]
fn a_worker_is_not_sent_for_a_task_that_has_to_let_an_earlier_one_pass() {
    let (pool, (home, link), first) = home_with_room();
    let (native, _) = attach(&pool, Kind::Native);
    assert_eq!(ask(&native), "nothing");
    submit(&pool, noop(Kind::Native, 3));
    put(&pool, "b", 4);
    let wakes = link.wakes();
    for _ in 0..3 {
        assert_eq!(ask(&home), "nothing", "the earlier one waits for this place");
    }
    assert_eq!(link.wakes(), wakes, "it would ask in vain for ever");
    // The place is free.
    assert_eq!(turn(&home, &first), "nothing");
    let third = take(&native);
    assert_eq!(third.owner().label, 3);
    assert_eq!(turn(&native, &third), "nothing");
    assert_eq!(link.wakes(), wakes + 1);
    assert_eq!(ask(&home), "run 4");
}

#[test]
fn a_worker_is_sent_for_its_task_once_the_earlier_one_is_cancelled() {
    let (pool, (home, link), _first) = home_with_room();
    let (native, _) = attach(&pool, Kind::Native);
    assert_eq!(ask(&native), "nothing");
    let earlier = submit(&pool, noop(Kind::Native, 3));
    put(&pool, "b", 4);
    let wakes = link.wakes();
    pool.cancel(&earlier, false);
    assert_eq!(link.wakes(), wakes + 1);
    assert_eq!(ask(&home), "run 4");
}

#[test]
fn a_worker_is_not_sent_for_its_task_while_a_broadcast_waits_for_its_place() {
    let (pool, (home, link), first) = home_with_room();
    let (other, _) = attach(&pool, ISOLATE);
    assert_eq!(ask(&other), "nothing");
    let specs = (0..pool.audience()).map(|label| noop(ISOLATE, 10 + label as u64)).collect();
    assert_eq!(pool.broadcast(specs).ok().map(|tasks| tasks.len()), Some(2));
    put(&pool, "b", 4);
    let own = take(&home);
    assert_eq!(own.owner().label, 10);
    let wakes = link.wakes();
    for _ in 0..3 {
        assert_eq!(if own.state() == State::Running { turn(&home, &own) } else { ask(&home) }, "nothing");
    }
    assert_eq!(link.wakes(), wakes, "it would ask in vain for ever");
    assert_eq!(turn(&home, &first), "nothing");
    let broadcast = take(&other);
    assert_eq!(turn(&other, &broadcast), "nothing");
    assert_eq!(ask(&home), "run 4");
}
