//! Workers that die when they have made something ready, and have begun no task since.

mod support;

use std::sync::Arc;
use std::time::Duration;

use pool::{Blame, Config, Kind, Next, Pool, Spec, State, Task, Worker};
use support::*;

const ISOLATE: Kind = Kind::Isolate;

/// What the tasks of the module need that ends its workers: 10 to 19.
fn bad() -> Blame {
    Blame { needs: 10, covers: Arc::new(|needs| needs / 10 == 1) }
}

fn needing(needs: u32, label: u64) -> Spec<Job> {
    Spec { needs, ..noop(ISOLATE, label) }
}

fn pauses(pause: Duration, count: usize) -> Config {
    Config { start_pause: pause, ..workers(count) }
}

const HOUR: Duration = Duration::from_secs(3600);

/// Claims with nothing ready, and says what it gave.
fn ask_fresh(worker: &Worker<Job>) -> String {
    word(&worker.next(&|_| false))
}

/// A new worker prepares for the first task, and dies of it.
fn die(pool: &Arc<Pool<Job>>, needs: u32) {
    let (worker, _) = attach(pool, ISOLATE);
    assert_eq!(ask_fresh(&worker), format!("prepare {needs}"));
    worker.detach_blaming(&bad(), Some(1), Some("stray".into()));
}

fn states(tasks: &[Arc<Task<Job>>]) -> Vec<State> {
    tasks.iter().map(|task| task.state()).collect()
}

#[test]
fn each_death_takes_the_first_task_along_that_needs_what_is_blamed_and_the_pool_never_breaks() {
    let (pool, host) = by_hand(pauses(Duration::from_millis(1), 1));
    let tasks: Vec<_> = (0..6).map(|label| submit(&pool, needing(10 + label as u32, label))).collect();
    for (count, task) in tasks.iter().enumerate() {
        host.wait("a start", |log| log.starts.len() > count);
        die(&pool, task.needs());
        assert_eq!(outcome(task), "lost 1 stray");
    }
    let stats = pool.stats();
    assert_eq!((stats.counts.lost, stats.died, stats.broken), (6, 6, false));
    std::thread::sleep(QUIET);
    assert_eq!(host.log().starts.len(), 6);
}

#[test]
fn other_tasks_go_on_at_once_and_in_their_order() {
    let (pool, host) = by_hand(pauses(HOUR, 1));
    let bads: Vec<_> = (0..3).map(|label| submit(&pool, needing(10, label))).collect();
    submit(&pool, needing(1, 7));
    die(&pool, 10);
    submit(&pool, Spec { priority: 1.0, ..needing(2, 8) });
    assert_eq!(host.log().starts.len(), 2, "one is on its way for the others");
    let (worker, _) = attach(&pool, ISOLATE);
    assert_eq!(ask_fresh(&worker), "prepare 2");
    let next = take(&worker);
    assert_eq!(turn(&worker, &next), "run 7");
    submit(&pool, needing(13, 3));
    let next = submit(&pool, noop(ISOLATE, 9));
    assert_eq!(next.state(), State::Pending);
    assert_eq!(states(&bads), [State::Finished, State::Pending, State::Pending]);
    assert_eq!(pool.stats().queued, 4);
}

#[test]
fn after_the_pause_one_worker_prepares_for_the_first_and_the_others_stay_idle() {
    let (pool, _host) = by_hand(pauses(Duration::from_millis(1), 4));
    let tasks: Vec<_> = (0..4).map(|label| submit(&pool, needing(10, label))).collect();
    die(&pool, 10);
    let workers: Vec<_> = (0..3).map(|_| attach(&pool, ISOLATE)).collect();
    eventually("the end of the pause", || ask_fresh(&workers[0].0) == "prepare 10");
    for (other, _) in &workers[1..] {
        assert_eq!(ask_fresh(other), "nothing");
        assert_eq!(ask(other), "nothing", "also where it has been made ready");
    }
    assert_eq!(states(&tasks[1..]), [State::Pending; 3]);
    // It comes well through: all is as if nothing had happened.
    assert_eq!(ask(&workers[0].0), "run 1");
    assert_eq!(ask(&workers[1].0), "run 2");
    assert_eq!(ask(&workers[2].0), "run 3");
}

#[test]
fn a_worker_that_gives_the_trial_up_leaves_it_to_the_next() {
    let (pool, host) = by_hand(pauses(Duration::from_millis(1), 1));
    let tasks: Vec<_> = (0..3).map(|label| submit(&pool, needing(10, label))).collect();
    die(&pool, 10);
    // Given up while it prepares.
    let stuck = attach(&pool, ISOLATE).0;
    eventually("a trial", || ask_fresh(&stuck) == "prepare 10");
    pool.abandon(stuck.id());
    host.wait("the next", |log| log.starts.len() >= 2);
    // Told to retire while it prepares.
    let retired = attach(&pool, ISOLATE).0;
    assert_eq!(ask_fresh(&retired), "prepare 10");
    assert!(pool.retire(retired.id()));
    host.wait("one more", |log| log.starts.len() >= 3);
    // Its task is cancelled meanwhile.
    let next = attach(&pool, ISOLATE).0;
    assert_eq!(ask_fresh(&next), "prepare 10");
    pool.cancel(&tasks[1], false);
    assert_eq!(ask_fresh(&next), "prepare 10");
    assert!(matches!(next.next(&all_ready), Next::Run(task, _) if task.id() == tasks[2].id()));
    stuck.detach(None, None);
}

#[test]
fn tasks_that_are_barred_are_cancelled_expire_and_end_with_the_pool_like_others() {
    let (pool, host) = by_hand(pauses(HOUR, 1));
    let limit = Some(Duration::from_millis(5));
    let tasks = [
        submit(&pool, needing(10, 0)),
        submit(&pool, needing(10, 1)),
        submit(&pool, Spec { queue_timeout: limit, ..needing(11, 2) }),
        submit(&pool, needing(12, 3)),
    ];
    die(&pool, 10);
    assert_eq!((pool.stats().queued, host.log().starts.len()), (3, 1));
    pool.cancel(&tasks[1], false);
    assert_eq!(outcome(&tasks[2]), "expired");
    assert!(pool.wants(ISOLATE, 12) && !pool.wants(ISOLATE, 11));
    pool.shutdown(false);
    assert!(!pool.is_closed());
    pool.shutdown(true);
    assert_eq!(outcome(&tasks[3]), "cancelled");
    assert_closed(&pool);
    let times = |task: &Arc<Task<Job>>| task.owner().settled.load(std::sync::atomic::Ordering::SeqCst);
    assert!(tasks.iter().all(|task| times(task) == 1));
}

#[test]
fn a_shutdown_lets_the_barred_tasks_have_their_turn() {
    let (pool, host) = by_hand(pauses(Duration::from_millis(5), 1));
    let tasks: Vec<_> = (0..2).map(|label| submit(&pool, needing(10, label))).collect();
    let (idle, link) = attach(&pool, ISOLATE);
    assert_eq!(ask_fresh(&idle), "prepare 10");
    idle.detach_blaming(&bad(), Some(1), None);
    pool.shutdown(false);
    host.wait("a start", |log| log.starts.len() >= 2);
    let (worker, _) = attach(&pool, ISOLATE);
    assert_eq!(take(&worker).id(), tasks[1].id());
    assert_eq!(turn(&worker, &tasks[1]), "leave");
    worker.detach(None, None);
    assert_closed(&pool);
    drop(link);
}

#[test]
fn a_worker_that_was_told_to_end_blames_nobody() {
    let (pool, _host) = by_hand(pauses(HOUR, 2));
    let task = submit(&pool, needing(10, 0));
    let (stuck, _) = attach(&pool, ISOLATE);
    assert_eq!(ask_fresh(&stuck), "prepare 10");
    pool.abandon(stuck.id());
    stuck.detach_blaming(&bad(), None, None);
    assert_eq!(task.state(), State::Pending);
    let (worker, _) = attach(&pool, ISOLATE);
    assert_eq!(take(&worker).id(), task.id());
}

#[test]
fn a_task_that_is_claimed_out_of_turn_leaves_the_bar_too() {
    let (pool, _host) = by_hand(pauses(HOUR, 2));
    let tasks: Vec<_> = (0..3).map(|label| submit(&pool, needing(10, label))).collect();
    die(&pool, 10);
    let (worker, _) = attach(&pool, ISOLATE);
    assert!(worker.claim_task(&tasks[2]).is_some());
    worker.finish(&tasks[2], Ok(2));
    assert_eq!(ask(&worker), "run 1", "what begins clears what was blamed");
    assert_eq!(pool.stats().queued, 0);
}

#[test]
fn a_worker_that_is_refused_what_it_needs_leaves_its_task_to_others() {
    let (pool, host) = by_hand(pauses(Duration::from_millis(1), 1));
    let task = submit(&pool, needing(1, 0));
    let (worker, _) = attach(&pool, ISOLATE);
    assert_eq!(ask_fresh(&worker), "prepare 1");
    assert!(worker.leave_refused(Some("EMFILE".into())));
    worker.detach(None, None);
    host.wait("another", |log| log.starts.len() >= 2);
    assert_eq!((task.state(), pool.stats().died), (State::Pending, 0));
    let (next, _) = attach(&pool, ISOLATE);
    assert_eq!(take(&next).id(), task.id());
    assert!(!next.leave_refused(None), "it holds a task");
}

#[test]
fn a_death_that_has_taken_a_carried_task_along_takes_no_other() {
    let (pool, _host) = by_hand(pauses(HOUR, 1));
    let carried = submit(&pool, Spec { needs_handover: true, ..needing(10, 0) });
    pool.payload_ready(&carried);
    let other = submit(&pool, needing(11, 1));
    let (worker, _) = attach(&pool, ISOLATE);
    assert_eq!(ask_fresh(&worker), "nothing", "it is reserved");
    let (task, id) = pool.assign().expect("assigned");
    pool.delivered(&task, id);
    assert_eq!(ask_fresh(&worker), "prepare 10");
    worker.detach_blaming(&bad(), Some(1), None);
    assert_eq!(outcome(&carried), "lost 1 ");
    assert_eq!(other.state(), State::Pending);
}

#[test]
fn carried_tasks_are_barred_too() {
    let (pool, host) = by_hand(pauses(Duration::from_millis(500), 1));
    let tasks: Vec<_> =
        (0..3).map(|label| submit(&pool, Spec { needs_handover: true, ..needing(10, label) })).collect();
    tasks.iter().for_each(|task| pool.payload_ready(task));
    let (worker, _) = attach(&pool, ISOLATE);
    assert_eq!(ask_fresh(&worker), "nothing");
    worker.detach_blaming(&bad(), Some(1), None);
    assert_eq!(outcome(&tasks[0]), "lost 1 ");
    assert!(pool.assign().is_none());
    assert_eq!(host.log().starts.len(), 1);
    host.wait("the end of the bar", |log| log.starts.len() >= 2);
    let (worker, _) = attach(&pool, ISOLATE);
    assert_eq!(ask_fresh(&worker), "nothing");
    assert_eq!(pool.assign().map(|(task, _)| task.id()), Some(tasks[1].id()));
}
