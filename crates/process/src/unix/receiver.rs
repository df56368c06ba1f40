//! The receiving half: one thread waits for the socket, the child's death, a wake-up and the time at once.
//!
//! What the kernel says of the process decides that it is dead; the end of the stream does not, which a
//! living child can close, and a grandchild can keep open after its death. So once the child is dead, exactly
//! what the socket holds at that time is read, then `Exited` is said.

use std::ffi::c_int;
use std::io;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::decoder::{Arrived, Decoder};
use crate::frame::FrameError;
use crate::polled::Polled;
use crate::unix::channel::Shared;
use crate::unix::child::Child;
use crate::unix::socket;

/// How often a child without a pidfd is looked at.
const LOOK: Duration = Duration::from_millis(50);
/// The same once its stream has ended, when its death is what comes next.
const LOOK_CLOSELY: Duration = Duration::from_millis(1);

/// The receiving half; one thread polls it. Dropping it closes the channel.
pub struct Receiver {
    shared: Arc<Shared>,
    decoder: Decoder,
    /// Nothing more is read: the stream has ended or cannot be believed.
    ended: bool,
    /// How it ended, until it was said.
    end: Option<Polled>,
    woken: bool,
    /// How long a poll looks without sleeping before it sleeps.
    spin: Duration,
    /// The peer has ended without having read all that was written.
    left_unread: bool,
    /// After the child's death: how much of what it sent is still in the socket.
    left: Option<usize>,
}

impl Receiver {
    pub(crate) fn new(shared: Arc<Shared>) -> Receiver {
        let decoder = Decoder::new();
        Receiver {
            shared,
            decoder,
            ended: false,
            end: None,
            woken: false,
            spin: Duration::ZERO,
            left_unread: false,
            left: None,
        }
    }

    /// Takes frames up to `bytes` of body from now on; a longer one is `Bad`.
    pub fn set_limit(&mut self, bytes: usize) {
        self.decoder.set_limit(bytes);
    }

    /// Lets polls look for frames and wake-ups for so long before they sleep; zero, the default, is never. A
    /// sleep and its end cost ten times as much as a short frame's way, but who looks keeps a processor
    /// from others. Death is not looked for meanwhile, so this is for tens of microseconds.
    pub fn set_spin(&mut self, time: Duration) {
        self.spin = time;
    }

    /// Whether the peer has ended without having read all that was sent: at least the last frame was not read
    /// whole. Known once the end of the stream was said.
    pub fn has_left_unread(&self) -> bool {
        // Where the rest of a frame is being written, the write has the error that a read would have.
        self.left_unread || self.shared.has_dropped()
    }

    /// Waits until something has happened, and meanwhile writes what is queued. `child` is the one whose
    /// channel this is, if its death is to be seen; `None` for the deadline waits for ever. A deadline that
    /// has passed still looks once.
    pub fn poll(&mut self, child: Option<&Child>, deadline: Option<Instant>) -> Polled {
        if let Some(said) = self.ready(child.is_some()) {
            return said;
        }
        loop {
            if let Some(said) = self.step(child, deadline) {
                return said;
            }
            if let Some(said) = self.ready(child.is_some()) {
                return said;
            }
            if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                return Polled::TimedOut;
            }
        }
    }

    /// What can be said without looking at the system.
    fn ready(&mut self, with_child: bool) -> Option<Polled> {
        if !self.ended {
            match self.decoder.next() {
                Ok(Some(Arrived { kind, body, is_cut: false })) => return Some(Polled::Frame { kind, body }),
                Ok(Some(Arrived { kind, body: head, .. })) => return Some(Polled::Cut { kind, head }),
                Ok(None) => {}
                Err(error) => self.end_with(Polled::Bad(error)),
            }
        }
        if std::mem::take(&mut self.woken) {
            return Some(Polled::Woken);
        }
        match &self.end {
            // Said once, for `Exited` follows.
            Some(_) if with_child => self.end.take(),
            Some(Polled::Bad(error)) => Some(Polled::Bad(*error)),
            Some(_) => Some(Polled::Closed),
            None if self.ended && !with_child => Some(Polled::Closed),
            None => None,
        }
    }

    /// Sleeps once, then looks at what is ready.
    fn step(&mut self, child: Option<&Child>, deadline: Option<Instant>) -> Option<Polled> {
        if self.left == Some(0) {
            return Some(Polled::Exited);
        }
        let shared = Arc::clone(&self.shared);
        if self.spin(&shared, deadline) {
            return None;
        }
        let write = if shared.has_queued() { libc::POLLOUT } else { 0 };
        let stream = if self.ended { -1 } else { shared.stream().as_raw_fd() };
        let pidfd = child.and_then(Child::pidfd).unwrap_or(-1);
        let mut entries = [
            socket::watched(stream, libc::POLLIN | write),
            socket::watched(shared.wake().descriptor(), libc::POLLIN),
            socket::watched(pidfd, libc::POLLIN),
        ];
        let looking = child.is_some() && pidfd < 0;
        if let Err(error) = socket::poll(&mut entries, self.time_left(deadline, looking)) {
            return Some(self.lost(&error));
        }
        let [stream, wake, dead] = entries.map(|entry| entry.revents);
        if wake != 0 {
            shared.wake().lower();
            self.woken |= shared.take_woken();
        }
        if stream & libc::POLLOUT != 0 {
            shared.write_queued();
        }
        if self.left.is_none() && (dead != 0 || (looking && child.is_some_and(Child::has_exited))) {
            // Once it is dead it sends no more; a grandchild that has its end could, without an end.
            let bytes = if self.ended { 0 } else { socket::readable(shared.stream()).unwrap_or(0) };
            self.left = Some(bytes);
        }
        if stream & !libc::POLLOUT != 0 || self.left.is_some() {
            self.read(&shared);
        }
        None
    }

    /// True if it has read something or the stream has ended. A wake-up ends it, too, for the sleep to see.
    fn spin(&mut self, shared: &Shared, deadline: Option<Instant>) -> bool {
        if self.spin.is_zero() || self.ended || self.left.is_some() {
            return false;
        }
        let now = Instant::now();
        let end = deadline.map_or(now + self.spin, |deadline| deadline.min(now + self.spin));
        while !shared.wake().is_raised() && !shared.has_queued() && Instant::now() < end {
            if self.read(shared) {
                return true;
            }
            std::hint::spin_loop();
        }
        false
    }

    /// Reads once; false if there was nothing.
    fn read(&mut self, shared: &Shared) -> bool {
        if self.ended || self.left == Some(0) {
            return false;
        }
        let (target, room) = self.decoder.target();
        let room = self.left.map_or(room, |left| left.min(room));
        match socket::receive(shared.stream(), target, room) {
            Ok(0) => self.end_of_stream(),
            Ok(read) => self.left = self.left.map(|left| left - read),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return false,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.left = self.left.map(|_| 0);
                return false;
            }
            // A peer that closes with bytes unread resets the stream: its end, too.
            Err(error) => {
                self.left_unread = error.kind() == io::ErrorKind::ConnectionReset;
                self.end_of_stream();
            }
        }
        true
    }

    fn end_of_stream(&mut self) {
        let cut = self.decoder.is_within_a_frame();
        self.end_with(if cut { Polled::Bad(FrameError::CutOff) } else { Polled::Closed });
    }

    fn end_with(&mut self, end: Polled) {
        self.ended = true;
        self.end = Some(end);
        self.left = self.left.map(|_| 0);
        self.shared.stop_sending();
    }

    /// `poll` itself failed, which takes a system without memory: nothing can be waited for any more.
    fn lost(&mut self, error: &io::Error) -> Polled {
        debug_assert_eq!(error.raw_os_error(), Some(libc::ENOMEM), "poll: {error}");
        std::thread::sleep(LOOK);
        Polled::Woken
    }

    fn time_left(&self, deadline: Option<Instant>, looking: bool) -> Option<c_int> {
        let until = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let look = looking.then_some(if self.ended { LOOK_CLOSELY } else { LOOK });
        let wait = match (until, look) {
            (Some(until), Some(look)) => until.min(look),
            (until, look) => until.or(look)?,
        };
        // Rounded up, so that a deadline is never a loop of waits of nothing.
        let milliseconds = wait.as_nanos().div_ceil(1_000_000);
        Some(c_int::try_from(milliseconds).unwrap_or(c_int::MAX))
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.shared.close();
    }
}
