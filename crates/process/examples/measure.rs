//! Measures what docs/process-channel.md says: a start beside a heap of a gigabyte, against `fork`; round
//! trips; a hundred megabytes. `cargo run --release -p concurrent-futures-process --example measure`
#![allow(clippy::print_stdout)]

#[cfg(unix)]
fn main() {
    measure::run();
}

#[cfg(not(unix))]
fn main() {}

#[cfg(unix)]
mod measure {
    use std::os::unix::process::CommandExt;
    use std::time::{Duration, Instant};

    use process::{Channel, Child, Command, Part, Polled};

    pub(super) fn run() {
        if std::env::args().nth(1).as_deref() == Some("echo") {
            return echo();
        }
        starts("with a small heap");
        let mut heap = vec![0u8; 1 << 30];
        for page in heap.chunks_mut(4096) {
            page[0] = 1;
        }
        starts("with a gigabyte resident");
        std::hint::black_box(&heap);
        drop(heap);
        round_trips();
    }

    fn echo() {
        let (channel, mut receiver) = Channel::of_parent().expect("a channel");
        receiver.set_spin(spin());
        loop {
            match receiver.poll(None, None) {
                Polled::Frame { kind, body } => channel.send(kind, vec![Part::Bytes(body)]),
                _ => std::process::exit(0),
            };
        }
    }

    /// Microseconds, from the environment of both.
    fn spin() -> Duration {
        let spin = std::env::var("SPIN").ok().and_then(|text| text.parse().ok());
        Duration::from_micros(spin.unwrap_or(0))
    }

    fn starts(what: &str) {
        let command = Command { program: "/bin/true".into(), args: vec![], env: Some(vec![]) };
        let ours = times(200, || {
            let start = Instant::now();
            let (mut child, ..) = Child::spawn(&command).expect("a child");
            let time = start.elapsed();
            child.wait().expect("an exit");
            time
        });
        let fork = times(200, || {
            let mut command = std::process::Command::new("/bin/true");
            // SAFETY: it does nothing; it makes std take the way by fork.
            unsafe { command.pre_exec(|| Ok(())) };
            let start = Instant::now();
            let mut child = command.spawn().expect("a child");
            let time = start.elapsed();
            child.wait().expect("an exit");
            time
        });
        println!("start {what}: {ours:?} here, {fork:?} with fork (medians of 200)");
    }

    fn times(rounds: usize, mut once: impl FnMut() -> Duration) -> Duration {
        let mut times: Vec<_> = (0..rounds).map(|_| once()).collect();
        times.sort();
        times[rounds / 2]
    }

    fn round_trips() {
        let program = std::env::current_exe().expect("a program").into();
        let command = Command { program, args: vec!["echo".into()], env: None };
        let (child, channel, mut receiver) = Child::spawn(&command).expect("a child");
        receiver.set_spin(spin());
        for (length, rounds) in [(16, 50_000), (1 << 20, 300), (100 << 20, 7)] {
            let time = times(rounds, || {
                let body = vec![7u8; length];
                let start = Instant::now();
                channel.send(1, vec![Part::Bytes(body)]);
                assert!(matches!(receiver.poll(Some(&child), None), Polled::Frame { .. }));
                start.elapsed()
            });
            println!("round trip of {length} bytes: {time:?} (median of {rounds})");
        }
        const IN_FLIGHT: usize = 1_000;
        const FRAMES: usize = 500_000;
        let start = Instant::now();
        let (mut sent, mut received) = (0, 0);
        while received < FRAMES {
            while sent < FRAMES && sent - received < IN_FLIGHT {
                channel.send(1, vec![Part::Bytes(vec![7; 16])]);
                sent += 1;
            }
            assert!(matches!(receiver.poll(Some(&child), None), Polled::Frame { .. }));
            received += 1;
        }
        let rate = FRAMES as f64 / start.elapsed().as_secs_f64();
        println!("{rate:.0} round trips a second with {IN_FLIGHT} in flight");
    }
}
