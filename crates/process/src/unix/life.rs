//! A child that is not reaped yet, and what may be done to it.
//!
//! Until a process is reaped its number, which is its group's too, belongs to nobody else. `reaped` is locked
//! around every signal and around the reaping, so that no signal reaches a stranger.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::{Mutex, PoisonError};

use crate::command::Exit;

pub(crate) struct Life {
    pid: libc::pid_t,
    reaped: Mutex<bool>,
}

impl Life {
    pub(crate) fn new(pid: libc::pid_t) -> Life {
        Life { pid, reaped: Mutex::new(false) }
    }

    pub(crate) fn pid(&self) -> libc::pid_t {
        self.pid
    }

    /// SIGKILL to the group.
    pub(crate) fn kill(&self) {
        let reaped = self.reaped.lock().unwrap_or_else(PoisonError::into_inner);
        if !*reaped {
            self.kill_group();
        }
    }

    /// What `ask` says of the process, unless it was reaped.
    pub(crate) fn while_unreaped<T>(&self, ask: impl FnOnce(libc::pid_t) -> Option<T>) -> Option<T> {
        let reaped = self.reaped.lock().unwrap_or_else(PoisonError::into_inner);
        if *reaped { None } else { ask(self.pid) }
    }

    fn kill_group(&self) {
        // SAFETY: the calls only send signals. They fail where nobody is left in the group; the second is for
        // a leader that has moved itself into another.
        unsafe {
            libc::kill(-self.pid, libc::SIGKILL);
            libc::kill(self.pid, libc::SIGKILL);
        }
    }

    /// Whether it is dead, without reaping it.
    pub(crate) fn has_exited(&self) -> bool {
        self.look(libc::WNOHANG).unwrap_or(true)
    }

    /// Waits for its death, without reaping it unless somebody else has.
    pub(crate) fn wait(&self) -> io::Result<()> {
        self.look(0).map(|_| ())
    }

    fn look(&self, flags: libc::c_int) -> io::Result<bool> {
        loop {
            // SAFETY: all zero bytes are a siginfo_t that says nothing.
            let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
            let flags = libc::WEXITED | libc::WNOWAIT | flags;
            // SAFETY: `info` lives through the call, which fills it.
            let failed = unsafe { libc::waitid(libc::P_PID, self.pid as libc::id_t, &raw mut info, flags) };
            if failed == 0 {
                // SAFETY: waitid has filled what it says of a child, or left the zeros when there is none.
                return Ok(unsafe { info.si_pid() } != 0);
            }
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
    }

    /// Reaps it if it is dead, after killing what is left of its group.
    pub(crate) fn reap(&self) -> io::Result<Option<Exit>> {
        let mut reaped = self.reaped.lock().unwrap_or_else(PoisonError::into_inner);
        match self.look(libc::WNOHANG) {
            Ok(true) => self.kill_group(),
            Ok(false) => return Ok(None),
            Err(error) => {
                // Somebody else has reaped it: the number is not ours any more.
                *reaped = true;
                return Err(error);
            }
        }
        let mut status = 0;
        // SAFETY: `status` lives through the call. The child is dead, so that this does not wait.
        let pid = unsafe { libc::waitpid(self.pid, &raw mut status, 0) };
        *reaped = true;
        if pid != self.pid {
            return Err(io::Error::last_os_error());
        }
        let status = ExitStatus::from_raw(status);
        let code = status.code().map(Exit::Code);
        let signal = status.signal().map(Exit::Signal);
        Ok(code.or(signal))
    }
}
