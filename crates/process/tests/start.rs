//! How a child starts: what it has, and what it has not.
#![cfg(unix)]

mod support;

use process::{Child, Command, Exit};

use support::{sh, until};

#[test]
fn a_program_that_cannot_be_started_is_an_error_of_spawn() {
    let fails = |program: &str| {
        let command = Command { program: program.into(), args: vec![], env: None };
        Child::spawn(&command).err().expect("an error").kind()
    };
    assert_eq!(fails("/no/such/program"), std::io::ErrorKind::NotFound);
    assert_eq!(fails("no-such-program-anywhere"), std::io::ErrorKind::NotFound);
    assert_eq!(fails("/etc/passwd"), std::io::ErrorKind::PermissionDenied);
    assert_eq!(fails("/a\0b"), std::io::ErrorKind::InvalidInput);
}

#[test]
fn a_child_has_an_empty_stdin_a_group_of_its_own_no_signals_held_back_and_no_descriptor_of_ours() {
    let (mut child, ..) = Child::spawn(&sh("read line; exit $?")).unwrap();
    assert_eq!(child.wait().unwrap(), Exit::Code(1), "stdin is empty");

    // Open to programs that are started, which nothing of ours is.
    // SAFETY: the calls only make a new descriptor.
    let leak = unsafe { libc::fcntl(1, libc::F_DUPFD, 10) };
    assert!(leak > 4);
    // No shell, which holds signals back itself now and then.
    let command = Command { program: "sleep".into(), args: vec!["1000".into()], env: None };
    let (child, ..) = Child::spawn(&command).unwrap();
    // SAFETY: the call only asks.
    assert_eq!(unsafe { libc::getpgid(child.pid().cast_signed()) }, child.pid().cast_signed());
    if cfg!(all(target_os = "linux", not(process_portable))) {
        // The kernel lets `spawn` go on a moment before it closes what exec closes.
        let folder = format!("/proc/{}/fd", child.pid());
        until("exec is over", || {
            let entries = std::fs::read_dir(&folder).unwrap();
            let mut fds: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
            fds.sort();
            // The last is the marks, where the system has such memory.
            if child.marks().is_some() {
                fds == ["0", "1", "2", "3", "4"]
            } else {
                fds == ["0", "1", "2", "3"]
            }
        });
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.pid())).unwrap();
        for name in ["SigBlk:", "SigIgn:"] {
            let mask = status.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim();
            // Numbers from 32 on are the C library's own, which it lets nobody set.
            assert_eq!(u64::from_str_radix(mask, 16).unwrap() & 0x7fff_ffff, 0, "{name} {mask}");
        }
    }
    // SAFETY: `leak` was made above and belongs to nobody else.
    unsafe { libc::close(leak) };
}

#[test]
fn the_environment_is_the_given_one_and_nothing_else() {
    let path = ("PATH".into(), std::env::var_os("PATH").unwrap());
    let env = vec![("A".into(), "x y".into()), path];
    let program = "/usr/bin/env".into();
    let script = "test \"$A\" = 'x y' && test -z \"$HOME\"".into();
    let args = vec!["sh".into(), "-c".into(), script];
    let (mut child, ..) = Child::spawn(&Command { program, args, env: Some(env) }).unwrap();
    assert_eq!(child.wait().unwrap(), Exit::Code(0));
}
