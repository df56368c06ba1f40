//! Child processes with a private channel, for a thread that watches over one of them.
//!
//! [`Child::spawn`] starts a program as the leader of its own process group, with one end of a socket pair as
//! its file descriptor 3. The thread that started it polls the other end with [`Receiver::poll`], which waits
//! for frames, the child's death, a wake-up and a deadline at once; any thread sends with [`Channel::send`].
//! In the child, [`Channel::of_parent`] takes the other end. The crate knows nothing of tasks, pools or
//! JavaScript.
//!
//! A peer may be hostile: whatever arrives is a frame within the limits, or [`Polled::Bad`].
//!
//! Where the system lacks what this needs (Windows), the same names exist, and making any of them fails with
//! [`std::io::ErrorKind::Unsupported`].

mod command;
#[cfg(unix)]
mod decoder;
// Reading frames is for systems that have children.
#[cfg_attr(not(unix), allow(dead_code))]
mod frame;
#[cfg(not(all(target_os = "linux", not(process_portable))))]
mod no_marks;
mod part;
mod polled;
#[cfg(unix)]
mod unix;
#[cfg(not(unix))]
mod unsupported;

pub use command::{Command, Exit};
pub use frame::{FrameError, HEADER, MAX_BODY, header};
#[cfg(not(all(target_os = "linux", not(process_portable))))]
pub use no_marks::Marks;
pub use part::Part;
pub use polled::Polled;
#[cfg(all(target_os = "linux", not(process_portable)))]
pub use unix::marks::Marks;
#[cfg(unix)]
pub use unix::{
    channel::Channel,
    child::{Child, Killer},
    receiver::Receiver,
};
#[cfg(not(unix))]
pub use unsupported::{Channel, Child, Killer, Receiver};

/// Ends the calling process, and all that is in its process group if it leads one; for a child whose parent
/// is gone.
pub fn end_own_group() -> ! {
    #[cfg(unix)]
    unix::end_own_group();
    #[cfg(not(unix))]
    std::process::abort();
}

/// The file descriptor that is the child's end of the channel.
pub const CHANNEL_FD: i32 = 3;

/// Whether this system can start children at all; where not, `Child::spawn` fails with `Unsupported`.
pub const SUPPORTED: bool = cfg!(unix);
