//! A running child and its death.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use crate::Marks;
use crate::command::{Command, Exit};
use crate::unix::channel::Channel;
use crate::unix::life::Life;
use crate::unix::receiver::Receiver;
use crate::unix::{MARKS_FD, socket, system};

/// A running child, leader of its own process group; stdin is /dev/null, stdout and stderr are inherited, and
/// file descriptor 3 is its end of the channel. Dropping it kills the group and reaps the child.
///
/// Nobody else in the process may reap it (`waitpid(-1)`, an ignored SIGCHLD): its exit would be lost, and
/// its number could become another's. A grandchild that leaves the group (`setsid`) outlives it.
pub struct Child {
    life: Arc<Life>,
    pidfd: Option<OwnedFd>,
    marks: Option<Arc<Marks>>,
    exit: Option<Exit>,
}

/// Kills a child from any thread; does nothing once it was reaped.
#[derive(Clone)]
pub struct Killer {
    life: Arc<Life>,
}

impl Child {
    /// Starts a program. On Linux the child dies with the *thread* that calls this, whatever ends it, so it
    /// must live as long as the child. An error is one of the start, that of `exec` included.
    pub fn spawn(command: &Command) -> io::Result<(Child, Channel, Receiver)> {
        let (ours, theirs) = UnixStream::pair()?;
        // Above the numbers that the child's descriptors get, so that putting these in place loses none.
        let theirs = socket::copy_above(theirs.as_fd(), MARKS_FD + 1)?;
        let (channel, receiver) = Channel::over(ours)?;
        let (pid, marks) = system::start(command, &theirs)?;
        let life = Arc::new(Life::new(pid));
        let child = Child { life, pidfd: system::pidfd(pid), marks: marks.map(Arc::new), exit: None };
        Ok((child, channel, receiver))
    }

    pub fn pid(&self) -> u32 {
        self.life.pid().unsigned_abs()
    }

    /// Marks that are shared with the child, which gets them by [`Marks::of_parent`]; none where the system
    /// does not have such memory.
    pub fn marks(&self) -> Option<Arc<Marks>> {
        self.marks.clone()
    }

    /// SIGKILL to the whole group.
    pub fn kill(&self) {
        self.life.kill();
    }

    pub fn killer(&self) -> Killer {
        Killer { life: Arc::clone(&self.life) }
    }

    /// Bytes of the child that are in memory, those that it shares with others included. `None` if the system
    /// does not say, and once the child is reaped.
    pub fn resident_bytes(&self) -> Option<u64> {
        if self.exit.is_some() { None } else { system::resident_bytes(self.life.pid()) }
    }

    /// What the kernel says: `None` while it lives. The first answer reaps it, after what is left of its
    /// group was killed; later ones repeat it. Fails if somebody else has reaped it, which is a death as
    /// well.
    pub fn try_wait(&mut self) -> io::Result<Option<Exit>> {
        if self.exit.is_none() {
            self.exit = self.life.reap()?;
        }
        Ok(self.exit)
    }

    /// Waits for its death and reaps it, as `try_wait` does.
    pub fn wait(&mut self) -> io::Result<Exit> {
        loop {
            if let Some(exit) = self.try_wait()? {
                return Ok(exit);
            }
            self.life.wait()?;
        }
    }

    pub(crate) fn pidfd(&self) -> Option<RawFd> {
        self.pidfd.as_ref().map(AsRawFd::as_raw_fd)
    }

    pub(crate) fn has_exited(&self) -> bool {
        self.exit.is_some() || self.life.has_exited()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.life.kill();
        // It fails if somebody else has reaped it, and then nothing is left to do.
        let _ = self.wait();
    }
}

impl Killer {
    /// Bytes of the child that are in memory; see [`Child::resident_bytes`].
    pub fn resident_bytes(&self) -> Option<u64> {
        self.life.while_unreaped(system::resident_bytes)
    }

    /// SIGKILL to the whole group.
    pub fn kill(&self) {
        self.life.kill();
    }
}
