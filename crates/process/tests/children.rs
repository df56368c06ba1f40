//! Children: how they start, end, are killed, and what they leave behind. A child is a program of the system,
//! or this test binary, which plays the role that its environment names.
#![cfg(unix)]

mod support;

use std::ffi::OsString;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use process::{Channel, Child, Command, Exit, FrameError, Part, Polled, Receiver, header};

use support::{LONG, sh, until};

const ROLE: &str = "PROCESS_TEST_ROLE";

fn deadline() -> Option<Instant> {
    Some(Instant::now() + LONG)
}

/// This binary, whose test `a_role` does what `role` says.
fn role(role: &str) -> Command {
    let env = std::env::vars_os().filter(|(name, _)| name != ROLE).chain([(ROLE.into(), role.into())]);
    Command {
        program: std::env::current_exe().unwrap().into(),
        args: ["a_role", "--exact", "--nocapture", "--test-threads=1"].map(OsString::from).to_vec(),
        env: Some(env.collect()),
    }
}

#[test]
fn a_role() {
    let Ok(role) = std::env::var(ROLE) else { return };
    match role.as_str() {
        "echo" => {
            let (channel, mut receiver) = Channel::of_parent().unwrap();
            assert!(Channel::of_parent().is_err(), "the second time it is taken");
            loop {
                match receiver.poll(None, None) {
                    Polled::Frame { kind: 0, .. } => std::process::exit(23),
                    Polled::Frame { kind, body } => channel.send(kind, vec![Part::Bytes(body)]),
                    _ => std::process::exit(24),
                };
            }
        }
        "farewell" => {
            let (channel, _receiver) = Channel::of_parent().unwrap();
            for number in 0..100u8 {
                channel.send(number, vec![Part::Bytes(vec![number; 1_000])]);
            }
            assert!(channel.flush(Instant::now() + LONG));
            std::process::abort();
        }
        "parent" => {
            let (child, _channel, _receiver) = Child::spawn(&sh("exec sleep 1000")).unwrap();
            eprintln!("child {}", child.pid());
            thread::sleep(LONG * 4);
        }
        "thread" => {
            let started =
                thread::spawn(|| std::mem::ManuallyDrop::new(Child::spawn(&sh("exec sleep 1000")).unwrap()));
            let mut child = started.join().unwrap();
            assert_eq!(child.0.wait().unwrap(), Exit::Signal(libc::SIGKILL));
            std::process::exit(0);
        }
        "closed" => {
            // As Node does with its own: closed to programs that are started.
            for fd in [1, 2] {
                // SAFETY: the call changes a flag of a descriptor of this process.
                unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
            }
            let (mut child, ..) = Child::spawn(&sh("echo out; echo err >&2")).unwrap();
            assert_eq!(child.wait().unwrap(), Exit::Code(0));
            std::process::exit(0);
        }
        "none" => {
            let error = Channel::of_parent().err().expect("no channel");
            assert!(error.to_string().contains("file descriptor 3"), "{error}");
        }
        other => panic!("no role {other}"),
    }
}

/// Polls until the child is dead and was reaped; gives the frames that came before.
fn end(child: &mut Child, receiver: &mut Receiver) -> (Vec<(u8, Vec<u8>)>, Exit) {
    let mut frames = Vec::new();
    loop {
        match receiver.poll(Some(child), deadline()) {
            Polled::Frame { kind, body } => frames.push((kind, body)),
            Polled::Exited => return (frames, child.try_wait().unwrap().expect("dead")),
            Polled::Closed | Polled::Woken | Polled::Bad(FrameError::CutOff) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Whether it runs: neither gone nor dead and unreaped.
fn runs(pid: u32) -> bool {
    // SAFETY: signal 0 is none; the call only asks.
    if unsafe { libc::kill(pid.cast_signed(), 0) } != 0 {
        return false;
    }
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.rsplit(')').next().unwrap_or_default().trim_start().starts_with(['Z', 'X'])
}

#[test]
fn exit_codes_and_signals_are_what_the_kernel_says() {
    let signal = |signal: i32| (format!("kill -{signal} $$"), Exit::Signal(signal));
    let cases = [
        ("exit 0".into(), Exit::Code(0)),
        ("exit 41".into(), Exit::Code(41)),
        signal(libc::SIGSEGV),
        signal(libc::SIGKILL),
        signal(libc::SIGABRT),
        signal(libc::SIGPIPE),
    ];
    for (script, exit) in cases {
        let (mut child, _channel, mut receiver) = Child::spawn(&sh(&script)).unwrap();
        assert_eq!(end(&mut child, &mut receiver).1, exit, "{script}");
        assert_eq!(child.try_wait().unwrap(), Some(exit), "said again");
        assert_eq!(receiver.poll(Some(&child), deadline()), Polled::Exited, "said again");
    }
}

#[test]
fn a_child_echoes_frames_and_ends_when_it_is_told() {
    let (mut child, channel, mut receiver) = Child::spawn(&role("echo")).unwrap();
    for length in [0, 1, 70_000, 100 << 20] {
        let body = vec![9u8; length];
        assert!(channel.send(1, vec![Part::Bytes(body.clone())]));
        let echoed = receiver.poll(Some(&child), deadline());
        assert!(echoed == Polled::Frame { kind: 1, body }, "{length} bytes");
    }
    assert!(child.resident_bytes().is_none_or(|bytes| bytes > 100_000));
    assert_eq!(child.try_wait().unwrap(), None);
    assert!(channel.send(0, vec![]));
    assert_eq!(end(&mut child, &mut receiver).1, Exit::Code(23));
    assert_eq!(child.resident_bytes(), None);
}

#[test]
fn a_child_sees_the_end_of_the_channel() {
    let (mut child, channel, mut receiver) = Child::spawn(&role("echo")).unwrap();
    channel.close();
    assert_eq!(end(&mut child, &mut receiver).1, Exit::Code(24));
}

#[test]
fn all_that_a_child_sent_before_it_died_is_delivered_before_its_death() {
    let (mut child, _channel, mut receiver) = Child::spawn(&role("farewell")).unwrap();
    let (frames, exit) = end(&mut child, &mut receiver);
    assert_eq!(exit, Exit::Signal(libc::SIGABRT));
    let sent: Vec<_> = (0..100u8).map(|number| (number, vec![number; 1_000])).collect();
    assert!(frames == sent, "{} frames", frames.len());
}

#[test]
fn a_grandchild_that_holds_the_channel_does_not_hide_the_death() {
    // It leaves the group, and writes frames on and on.
    let frame: String = header(1, 0).unwrap().iter().map(|byte| format!("\\{byte:03o}")).collect();
    let script = format!(
        "setsid sh -c 'echo $$ >&2; while :; do printf \"{frame}\" >&3; done' 2>/tmp/$$.grandchild & \
        while ! [ -s /tmp/$$.grandchild ]; do sleep 0.01; done; exit 5"
    );
    let (mut child, _channel, mut receiver) = Child::spawn(&sh(&script)).unwrap();
    let file = format!("/tmp/{}.grandchild", child.pid());
    assert_eq!(end(&mut child, &mut receiver).1, Exit::Code(5));
    let grandchild: i32 = std::fs::read_to_string(&file).unwrap().lines().next().unwrap().parse().unwrap();
    // SAFETY: the call only sends a signal, to a process that this test has started.
    unsafe { libc::kill(grandchild, libc::SIGKILL) };
    std::fs::remove_file(file).unwrap();
}

#[test]
fn kill_reaches_the_whole_group_from_any_thread() {
    let script = "sleep 1000 & a=$!; sleep 1000 & echo $a $! >&3; wait";
    let (mut child, _channel, mut receiver, pids) = with_text(script);
    let killer = child.killer();
    let again = killer.clone();
    thread::spawn(move || killer.kill()).join().unwrap();
    assert_eq!(end(&mut child, &mut receiver).1, Exit::Signal(libc::SIGKILL));
    for pid in pids {
        until("a grandchild dies", || !runs(pid));
    }
    // The number may be another's by now.
    again.kill();
    child.kill();
}

#[test]
fn the_death_of_the_leader_ends_what_is_left_of_its_group() {
    let (mut child, _channel, mut receiver, pids) = with_text("sleep 1000 & echo $! >&3; exit 3");
    assert_eq!(end(&mut child, &mut receiver).1, Exit::Code(3));
    until("a grandchild dies", || !runs(pids[0]));
}

#[test]
fn dropping_a_child_kills_and_reaps_it() {
    let (child, _channel, _receiver, pids) =
        with_text("trap '' TERM INT HUP; sleep 1000 & echo $! >&3; wait");
    let pid = child.pid();
    drop(child);
    assert!(!runs(pid));
    until("a grandchild dies", || !runs(pids[0]));
}

/// Starts a script that writes process numbers to a file, for which it has `>&3`.
fn with_text(script: &str) -> (Child, Channel, Receiver, Vec<u32>) {
    static FILES: AtomicUsize = AtomicUsize::new(0);
    let name = format!("process-test-{}-{}", std::process::id(), FILES.fetch_add(1, Ordering::Relaxed));
    let file = std::env::temp_dir().join(name);
    let script = script.replace(">&3", &format!(">{}.new; mv {0}.new {0}", file.display()));
    let (child, channel, receiver) = Child::spawn(&sh(&script)).unwrap();
    until("a script writes", || file.exists());
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(file).unwrap();
    (child, channel, receiver, text.split_whitespace().map(|word| word.parse().unwrap()).collect())
}

#[test]
fn output_passes_through_also_when_ours_is_closed_to_other_programs() {
    let command = role("closed");
    let output = std::process::Command::new(command.program)
        .args(command.args)
        .envs(command.env.unwrap())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("out\n"));
    assert!(String::from_utf8_lossy(&output.stderr).contains("err\n"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_thousand_children_leave_no_descriptor_and_no_zombie() {
    let mut pids = Vec::new();
    for number in 0..1_000 {
        let program = "true".into();
        let (mut child, channel, mut receiver) =
            Child::spawn(&Command { program, args: vec![], env: None }).unwrap();
        channel.send(1, vec![Part::Bytes(vec![0; 100])]);
        pids.push(child.pid());
        // Half of them are reaped by their end, the others by being dropped.
        if number % 2 == 0 {
            assert_eq!(end(&mut child, &mut receiver).1, Exit::Code(0));
        }
    }
    // Other tests have a few open meanwhile; a leak of one a child would be a thousand.
    let open = std::fs::read_dir("/proc/self/fd").unwrap().count();
    assert!(open < 150, "{open} descriptors");
    // SAFETY: the calls only ask; a child of ours that is a zombie answers.
    let left = pids.iter().filter(|pid| unsafe { libc::kill(pid.cast_signed(), 0) } == 0).count();
    assert_eq!(left, 0, "processes left");
}

/// Starts this binary in `name`'s role, and reads the number of the child that it starts.
#[cfg(all(target_os = "linux", not(process_portable)))]
fn intermediate(name: &str) -> (std::process::Child, u32) {
    use std::io::{BufRead, BufReader};
    let command = role(name);
    let mut parent = std::process::Command::new(command.program)
        .args(command.args)
        .envs(command.env.unwrap())
        .stderr(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(parent.stderr.take().unwrap()).lines();
    let pid = lines.find_map(|line| line.unwrap().strip_prefix("child ").map(|pid| pid.parse().unwrap()));
    // The rest is read so that nobody who writes is held up.
    thread::spawn(move || lines.for_each(drop));
    (parent, pid.expect("a number"))
}

#[cfg(all(target_os = "linux", not(process_portable)))]
#[test]
fn a_child_dies_with_a_parent_that_is_killed() {
    let (mut parent, pid) = intermediate("parent");
    assert!(runs(pid));
    parent.kill().unwrap();
    parent.wait().unwrap();
    until("the child dies", || !runs(pid));
}

#[cfg(all(target_os = "linux", not(process_portable)))]
#[test]
fn a_child_dies_with_the_thread_that_started_it() {
    let (mut child, ..) = Child::spawn(&role("thread")).unwrap();
    assert_eq!(child.wait().unwrap(), Exit::Code(0));
}

#[test]
fn a_process_without_a_channel_says_so() {
    let command = role("none");
    let output =
        std::process::Command::new(command.program).args(command.args).envs(command.env.unwrap()).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{output:?}");
}
