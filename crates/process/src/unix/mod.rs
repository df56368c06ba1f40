//! Systems with sockets that are a pair, signals and process groups.
//!
//! Linux has what makes it exact and fast: pidfds, a death signal, and a start that copies no page tables.
//! Elsewhere `portable.rs` does it with what POSIX has. `--cfg process_portable` takes that way on Linux too,
//! so that it is tested.

pub(crate) mod channel;
pub(crate) mod child;
mod life;
#[cfg(all(target_os = "linux", not(process_portable)))]
pub(crate) mod marks;
mod outbox;
pub(crate) mod receiver;
mod socket;
#[cfg(all(target_os = "linux", not(process_portable)))]
#[path = "linux.rs"]
mod system;
#[cfg(not(all(target_os = "linux", not(process_portable))))]
#[path = "portable.rs"]
mod system;
mod wake;

/// The file descriptor that a child gets the marks by, where there are any.
pub(crate) const MARKS_FD: libc::c_int = crate::CHANNEL_FD + 1;

/// SIGKILL to the calling process, and to its group if that is its own.
pub(crate) fn end_own_group() -> ! {
    // SAFETY: the calls look at, and send signals to, this process and those that it has started; the last
    // one ends it whatever became of the others.
    unsafe {
        if libc::getpgrp() == libc::getpid() {
            libc::kill(0, libc::SIGKILL);
        }
        libc::_exit(1)
    }
}
