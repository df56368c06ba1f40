//! The channel, between two ends in this process.
#![cfg(unix)]

use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use process::{Channel, Part, Polled, Receiver};

/// For what must happen; a test that waits as long has failed.
const LONG: Duration = Duration::from_secs(30);
/// For what must not happen.
const SHORT: Duration = Duration::from_millis(30);

fn pair() -> ((Channel, Receiver), (Channel, Receiver)) {
    let (left, right) = UnixStream::pair().unwrap();
    (Channel::over(left).unwrap(), Channel::over(right).unwrap())
}

fn next(receiver: &mut Receiver) -> Polled {
    receiver.poll(None, Some(Instant::now() + LONG))
}

fn within(receiver: &mut Receiver, time: Duration) -> Polled {
    receiver.poll(None, Some(Instant::now() + time))
}

fn frame(kind: u8, body: &[u8]) -> Polled {
    Polled::Frame { kind, body: body.to_vec() }
}

#[test]
fn parts_arrive_as_one_body_and_shared_ones_are_dropped_once_written() {
    let ((channel, _own), (_, mut receiver)) = pair();
    let shared: Arc<dyn AsRef<[u8]> + Send + Sync> = Arc::new(b"bc".to_vec());
    let parts = vec![Part::Bytes(b"a".to_vec()), Part::Shared(Arc::clone(&shared)), Part::Bytes(vec![])];
    assert!(channel.send(9, parts));
    assert_eq!(next(&mut receiver), frame(9, b"abc"));
    assert_eq!(Arc::strong_count(&shared), 1);
    assert!(channel.send(0, vec![]));
    assert_eq!(next(&mut receiver), frame(0, b""));
    assert_eq!(within(&mut receiver, SHORT), Polled::TimedOut);
}

#[test]
fn more_parts_than_one_call_takes_arrive_in_order() {
    let ((channel, _own), (_, mut receiver)) = pair();
    let bytes: Vec<u8> = (0..200).collect();
    channel.send(1, bytes.iter().map(|byte| Part::Bytes(vec![*byte])).collect());
    assert_eq!(next(&mut receiver), frame(1, &bytes));
}

#[test]
fn many_small_frames_arrive_whole_and_in_order() {
    const FRAMES: u32 = 200_000;
    let ((channel, mut writer), (_, mut receiver)) = pair();
    let sender = thread::spawn(move || {
        for number in 0..FRAMES {
            assert!(channel.send(2, vec![Part::Bytes(number.to_le_bytes().to_vec())]));
        }
        // What the socket did not take is written by this thread while it polls.
        while channel.queued() > 0 {
            writer.poll(None, Some(Instant::now() + SHORT));
        }
        (channel, writer)
    });
    for number in 0..FRAMES {
        assert_eq!(next(&mut receiver), frame(2, &number.to_le_bytes()));
    }
    sender.join().unwrap();
}

#[test]
fn frames_of_several_threads_do_not_mix() {
    let ((channel, mut writer), (_, mut receiver)) = pair();
    let senders: Vec<_> = (0..4u8)
        .map(|kind| {
            let channel = channel.clone();
            thread::spawn(move || {
                for number in 0..2_000u32 {
                    let length = (number % 97) as usize;
                    let parts =
                        vec![Part::Bytes(number.to_le_bytes().to_vec()), Part::Bytes(vec![kind; length])];
                    assert!(channel.send(kind, parts));
                }
            })
        })
        .collect();
    let poller =
        thread::spawn(move || while writer.poll(None, Some(Instant::now() + LONG)) != Polled::Closed {});
    let mut seen = [0u32; 4];
    for _ in 0..8_000 {
        let Polled::Frame { kind, body } = next(&mut receiver) else { panic!("no frame") };
        let number = seen[usize::from(kind)];
        assert_eq!(body[..4], number.to_le_bytes());
        assert_eq!(body[4..], vec![kind; (number % 97) as usize]);
        seen[usize::from(kind)] += 1;
    }
    drop(receiver);
    for thread in senders {
        thread.join().unwrap();
    }
    poller.join().unwrap();
}

#[test]
fn a_hundred_megabytes_cross_both_ways_at_once_without_a_deadlock() {
    const LENGTH: usize = 100 << 20;
    let (left, right) = pair();
    let ends = [left, right].map(|(channel, mut receiver)| {
        thread::spawn(move || {
            let body: Vec<u8> = (0..LENGTH).map(|at| (at % 251) as u8).collect();
            let shared: Arc<dyn AsRef<[u8]> + Send + Sync> = Arc::new(body.clone());
            assert!(channel.send(3, vec![Part::Shared(shared)]));
            let Polled::Frame { kind: 3, body: arrived } = next(&mut receiver) else { panic!("no frame") };
            assert!(arrived == body);
            while channel.queued() > 0 {
                assert_eq!(within(&mut receiver, SHORT), Polled::TimedOut);
            }
            (channel, receiver)
        })
    });
    // Kept until both are done: an end that is dropped closes the other.
    let ends = ends.map(|end| end.join().unwrap());
    drop(ends);
}

#[test]
fn a_sender_never_blocks_and_the_poller_writes_what_is_queued() {
    let ((channel, mut writer), (_, mut receiver)) = pair();
    let body = vec![5u8; 8 << 20];
    let start = Instant::now();
    assert!(channel.send(1, vec![Part::Bytes(body.clone())]));
    assert!(channel.send(2, vec![]));
    assert!(start.elapsed() < LONG);
    assert!(channel.queued() > 0);
    let poller = thread::spawn(move || writer.poll(None, Some(Instant::now() + LONG)));
    assert!(next(&mut receiver) == frame(1, &body));
    assert_eq!(next(&mut receiver), frame(2, b""));
    assert_eq!(channel.queued(), 0);
    channel.wake();
    assert_eq!(poller.join().unwrap(), Polled::Woken);
}

#[test]
fn a_queue_that_begins_while_the_poller_sleeps_is_written() {
    let ((channel, mut writer), (_, mut receiver)) = pair();
    let poller = thread::spawn(move || writer.poll(None, Some(Instant::now() + LONG)));
    thread::sleep(SHORT);
    let body = vec![6u8; 4 << 20];
    assert!(channel.send(1, vec![Part::Bytes(body.clone())]));
    assert!(next(&mut receiver) == frame(1, &body));
    channel.wake();
    assert_eq!(poller.join().unwrap(), Polled::Woken);
}

#[test]
fn flush_writes_all_or_gives_up_in_time() {
    let ((channel, _writer), (_, mut receiver)) = pair();
    assert!(channel.send(1, vec![Part::Bytes(vec![1; 4 << 20])]));
    assert!(!channel.flush(Instant::now() + SHORT));
    let reader = thread::spawn(move || next(&mut receiver));
    assert!(channel.flush(Instant::now() + LONG));
    assert_eq!(channel.queued(), 0);
    assert!(matches!(reader.join().unwrap(), Polled::Frame { kind: 1, .. }));
}

#[test]
fn many_wake_ups_before_a_poll_are_one_and_none_is_lost() {
    let ((channel, mut receiver), _peer) = pair();
    for _ in 0..1_000 {
        channel.wake();
    }
    assert_eq!(next(&mut receiver), Polled::Woken);
    assert_eq!(within(&mut receiver, SHORT), Polled::TimedOut);

    // Each wake-up is answered before the next: a lost one ends the test by its time.
    let told = Arc::new(AtomicUsize::new(0));
    let waker = {
        let told = Arc::clone(&told);
        thread::spawn(move || {
            for number in 1..=20_000 {
                channel.wake();
                while told.load(Ordering::Acquire) < number {
                    std::hint::spin_loop();
                    thread::yield_now();
                }
            }
            channel
        })
    };
    for number in 1..=20_000 {
        assert_eq!(next(&mut receiver), Polled::Woken);
        told.store(number, Ordering::Release);
    }
    waker.join().unwrap();
}

#[test]
fn a_receiver_that_looks_before_it_sleeps_misses_nothing() {
    let ((channel, mut receiver), (peer, mut peers)) = pair();
    receiver.set_spin(Duration::from_micros(50));
    assert_eq!(within(&mut receiver, SHORT), Polled::TimedOut);
    let echo = thread::spawn(move || {
        loop {
            match next(&mut peers) {
                Polled::Frame { kind, body } => assert!(peer.send(kind, vec![Part::Bytes(body)])),
                other => break other,
            }
        }
    });
    for number in 0..5_000u32 {
        let body = number.to_le_bytes();
        assert!(channel.send(1, vec![Part::Bytes(body.to_vec())]));
        assert_eq!(next(&mut receiver), frame(1, &body));
        if number % 100 == 0 {
            channel.wake();
            assert_eq!(next(&mut receiver), Polled::Woken);
        }
    }
    // What is queued is written, although there is something to look for.
    let body = vec![8u8; 4 << 20];
    assert!(channel.send(1, vec![Part::Bytes(body.clone())]));
    assert!(next(&mut receiver) == frame(1, &body));
    drop(receiver);
    assert_eq!(echo.join().unwrap(), Polled::Closed);
}

#[test]
fn frames_that_were_read_come_before_a_wake_up() {
    let ((channel, mut receiver), (peer, _peers)) = pair();
    for _ in 0..3 {
        assert!(peer.send(1, vec![]));
    }
    assert_eq!(next(&mut receiver), frame(1, b""));
    channel.wake();
    assert_eq!(next(&mut receiver), frame(1, b""));
    assert_eq!(next(&mut receiver), frame(1, b""));
    assert_eq!(next(&mut receiver), Polled::Woken);
}

#[test]
fn what_is_sent_to_a_dead_peer_is_dropped_without_a_signal() {
    let ((channel, mut receiver), peer) = pair();
    drop(peer);
    while channel.send(1, vec![Part::Bytes(vec![0; 1000])]) {}
    assert_eq!(channel.queued(), 0);
    assert_eq!(next(&mut receiver), Polled::Closed);
    assert_eq!(next(&mut receiver), Polled::Closed);

    // One that dies with a queue for it, too, and what it sent before is read.
    let ((channel, mut receiver), (peer, peer_receiver)) = pair();
    assert!(peer.send(7, vec![]));
    assert!(channel.send(1, vec![Part::Bytes(vec![0; 10 << 20])]));
    drop((peer, peer_receiver));
    assert_eq!(next(&mut receiver), frame(7, b""));
    assert_eq!(next(&mut receiver), Polled::Closed);
    assert!(!channel.send(1, vec![]));
    assert_eq!(channel.queued(), 0);
}

#[test]
fn a_peer_that_ends_while_a_long_frame_is_written_has_left_it_unread() {
    // However much of it the peer has read: whether a read or a write meets the end is chance.
    for rounds in 0..20 {
        let ((channel, mut own), (other, mut receiver)) = pair();
        channel.send(1, vec![Part::Bytes(vec![7; 8 << 20])]);
        let reader = thread::spawn(move || {
            // The receiver is dropped at the end, and with it the socket.
            (0..rounds).any(|_| matches!(receiver.poll(None, Some(Instant::now())), Polled::Frame { .. }))
        });
        drop(other);
        while !matches!(next(&mut own), Polled::Closed) {}
        let has_read_all = reader.join().unwrap();
        assert_eq!(own.has_left_unread(), !has_read_all, "after {rounds} reads");
    }
}
