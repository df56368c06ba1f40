//! Starting with what POSIX has, for systems without a death signal and pidfds.
//!
//! There a child whose parent dies is ended by its own reading thread, which sees the end of the channel, and
//! a child's death is seen by looking at it now and then.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Stdio;

use crate::command::Command;
use crate::{CHANNEL_FD, Marks};

pub(crate) fn start(command: &Command, channel: &OwnedFd) -> io::Result<(libc::pid_t, Option<Marks>)> {
    let mut start = std::process::Command::new(&command.program);
    start.args(&command.args).stdin(Stdio::null()).process_group(0);
    if let Some(env) = &command.env {
        start.env_clear().envs(env.iter().map(|(name, value)| (name, value)));
    }
    let channel = channel.as_raw_fd();
    // SAFETY: between fork and exec it makes bare system calls only. `channel` is above the numbers that are
    // set, and open until `spawn` returns.
    unsafe {
        start.pre_exec(move || {
            if libc::dup2(channel, CHANNEL_FD) < 0 {
                return Err(io::Error::last_os_error());
            }
            // Node closes its own stdout and stderr to programs that it starts, and opens them for each one
            // again. Where there is none the call fails, and there is nothing to inherit.
            libc::fcntl(1, libc::F_SETFD, 0);
            libc::fcntl(2, libc::F_SETFD, 0);
            for signal in 1..32 {
                libc::signal(signal, libc::SIG_DFL);
            }
            let mut none: libc::sigset_t = std::mem::zeroed();
            libc::sigemptyset(&raw mut none);
            libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
            Ok(())
        });
    }
    // Dropping what `spawn` returns neither ends nor reaps the child: that is for `Child` to do.
    let pid = start.spawn()?.id();
    Ok((libc::pid_t::try_from(pid).map_err(io::Error::other)?, None))
}

pub(crate) fn pidfd(_pid: libc::pid_t) -> Option<OwnedFd> {
    None
}

#[cfg(target_os = "macos")]
pub(crate) fn resident_bytes(pid: libc::pid_t) -> Option<u64> {
    // SAFETY: all zero bytes are a proc_taskinfo.
    let mut info: libc::proc_taskinfo = unsafe { std::mem::zeroed() };
    let size = size_of::<libc::proc_taskinfo>() as libc::c_int;
    // SAFETY: `info` has `size` bytes and lives through the call.
    let filled = unsafe { libc::proc_pidinfo(pid, libc::PROC_PIDTASKINFO, 0, (&raw mut info).cast(), size) };
    (filled == size).then_some(info.pti_resident_size)
}

#[cfg(not(target_os = "macos"))]
pub(crate) fn resident_bytes(_pid: libc::pid_t) -> Option<u64> {
    None
}
