//! The sending half, and what both halves share.
//!
//! A frame is written at once by the thread that sends it, as far as the socket takes it and up to `AT_ONCE`
//! bytes. The rest is queued, and the polling thread, woken for it, writes it whenever the socket has room.
//! It takes the lock for one write at a time, so that others who send wait for one write at most.
//!
//! Lock: `outbox` alone; nothing is taken while it is held, and no code of others runs under it but the
//! `as_ref` of shared parts.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::CHANNEL_FD;
use crate::part::Part;
use crate::unix::outbox::{Frame, Outbox, Wrote};
use crate::unix::receiver::Receiver;
use crate::unix::socket;
use crate::unix::wake::Wake;

/// How much a sending thread writes itself. It may be the thread of an event loop, which a peer that reads as
/// fast as it writes would hold up for the whole of a long body otherwise.
const AT_ONCE: usize = 256 << 10;

/// The lowest number that the channel has in a child.
const OUT_OF_THE_WAY: libc::c_int = 64;

pub(crate) struct Shared {
    stream: UnixStream,
    outbox: Mutex<Outbox>,
    /// What `outbox` holds, for those who only look.
    queued: AtomicUsize,
    /// How many frames were sent.
    sent: AtomicU64,
    wake: Wake,
    /// `Channel::wake` was called since the last `Woken`.
    woken: AtomicBool,
}

/// The sending half. Never blocks: what the socket does not take at once is queued, without a bound, and
/// written by the thread that polls; look at [`Channel::queued`] before sending more to a slow peer.
#[derive(Clone)]
pub struct Channel {
    pub(crate) shared: Arc<Shared>,
}

impl Channel {
    /// In a child that [`crate::Child::spawn`] started: takes file descriptor 3. Fails where that is no
    /// socket of this kind, and the second time.
    pub fn of_parent() -> io::Result<(Channel, Receiver)> {
        static TAKEN: AtomicBool = AtomicBool::new(false);
        let no_channel = |why: &str| {
            let text = format!("file descriptor {CHANNEL_FD} is not the channel of a parent process: {why}");
            io::Error::new(io::ErrorKind::NotFound, text)
        };
        // SAFETY: the call reads flags of a number that need not be a descriptor.
        if unsafe { libc::fcntl(CHANNEL_FD, libc::F_GETFD) } < 0 {
            return Err(no_channel("it is not open"));
        }
        // SAFETY: it is open, and stays so during these calls unless somebody closes what is not theirs; then
        // the calls fail, or look at another file.
        let borrowed = unsafe { BorrowedFd::borrow_raw(CHANNEL_FD) };
        if !socket::is_unix_stream(borrowed) {
            return Err(no_channel("it is not a stream socket of the Unix domain"));
        }
        if TAKEN.swap(true, Ordering::Relaxed) {
            return Err(no_channel("it was taken before"));
        }
        // SAFETY: the parent has made this descriptor for whoever calls this, and `TAKEN` lets one call pass.
        let fd = unsafe { OwnedFd::from_raw_fd(CHANNEL_FD) };
        // SAFETY: the call changes a flag of a descriptor that is ours.
        if unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFD, libc::FD_CLOEXEC) } < 0 {
            return Err(io::Error::last_os_error());
        }
        // Programs that close the low numbers, or take one for theirs, do not mean this one.
        let fd = socket::copy_above(fd.as_fd(), OUT_OF_THE_WAY).unwrap_or(fd);
        Channel::over(UnixStream::from(fd))
    }

    /// A channel over a stream that is connected already.
    pub fn over(stream: UnixStream) -> io::Result<(Channel, Receiver)> {
        socket::prepare(stream.as_fd())?;
        let shared = Arc::new(Shared {
            stream,
            outbox: Mutex::new(Outbox::default()),
            queued: AtomicUsize::new(0),
            sent: AtomicU64::new(0),
            wake: Wake::new()?,
            woken: AtomicBool::new(false),
        });
        Ok((Channel { shared: Arc::clone(&shared) }, Receiver::new(shared)))
    }

    /// Sends one frame, whose body is the parts one after the other. False if it was dropped, because the
    /// peer is gone, the receiver was dropped, or the body is longer than [`crate::MAX_BODY`].
    pub fn send(&self, kind: u8, parts: Vec<Part>) -> bool {
        Frame::new(kind, parts).is_some_and(|frame| self.send_frames([frame]))
    }

    /// Sends several frames, one after the other, with fewer writes. False if they were dropped; none is sent
    /// if a body is too long.
    pub fn send_all(&self, frames: Vec<(u8, Vec<Part>)>) -> bool {
        let frames: Option<Vec<_>> =
            frames.into_iter().map(|(kind, parts)| Frame::new(kind, parts)).collect();
        frames.is_some_and(|frames| self.send_frames(frames))
    }

    fn send_frames(&self, frames: impl IntoIterator<Item = Frame>) -> bool {
        let shared = &*self.shared;
        let mut finished = Vec::new();
        let mut outbox = shared.outbox();
        if outbox.is_closed() {
            return false;
        }
        let was_empty = outbox.bytes() == 0;
        for frame in frames {
            outbox.push(frame);
            shared.sent.fetch_add(1, Ordering::Relaxed);
        }
        if was_empty {
            let mut written = 0;
            while written < AT_ONCE
                && let Wrote::Some(bytes) = outbox.write(shared.stream.as_fd(), &mut finished)
            {
                written += bytes;
            }
        }
        let left = outbox.bytes();
        let sent = !outbox.is_closed();
        shared.queued.store(left, Ordering::Release);
        drop(outbox);
        // What others queued before, they have woken the polling thread for. If nothing can be written any
        // more that thread sees why: who has closed the descriptor has woken nobody.
        if (was_empty && left > 0) || !sent {
            shared.wake.raise();
        }
        sent
    }

    /// Makes a poll say `Woken`, the running one or the next. Many calls before it are one.
    pub fn wake(&self) {
        // ORDERING: Release, so that the polling thread sees what was done before this.
        if !self.shared.woken.swap(true, Ordering::AcqRel) {
            self.shared.wake.raise();
        }
    }

    /// Bytes that are not written yet.
    pub fn queued(&self) -> usize {
        self.shared.queued.load(Ordering::Acquire)
    }

    /// Writes what is queued from this thread, until all is written, the peer is gone or the time is over;
    /// for a process that is about to end. True if nothing is left.
    pub fn flush(&self, until: Instant) -> bool {
        loop {
            match self.shared.write_queued() {
                Wrote::All => return true,
                Wrote::Gone => return false,
                Wrote::Some(_) => {}
                Wrote::Full => {
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return false;
                    }
                    let mut entry = [socket::watched(self.shared.stream.as_raw_fd(), libc::POLLOUT)];
                    let left = left.min(Duration::from_secs(3600)).as_millis() + 1;
                    if socket::poll(&mut entry, i32::try_from(left).ok()).is_err() {
                        return false;
                    }
                }
            }
        }
    }

    /// How many frames were sent so far, by whatever thread.
    pub fn sent(&self) -> u64 {
        // ORDERING: counted under the lock of the outbox, which each sender has had.
        self.shared.sent.load(Ordering::Relaxed)
    }

    /// Ends the stream for both sides: the peer reads its end once it has read what was written, sends are
    /// dropped, and the receiver says `Closed`.
    pub fn close(&self) {
        self.shared.close();
    }
}

impl Shared {
    fn outbox(&self) -> MutexGuard<'_, Outbox> {
        // A panic under the lock can only come from a shared part's `as_ref`, which is asked before a change.
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn stream(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }

    /// Whether something that was queued was never written.
    pub(crate) fn has_dropped(&self) -> bool {
        self.outbox().has_dropped()
    }

    pub(crate) fn has_queued(&self) -> bool {
        self.queued.load(Ordering::Acquire) > 0
    }

    /// Writes once of what is queued.
    pub(crate) fn write_queued(&self) -> Wrote {
        let mut finished = Vec::new();
        let mut outbox = self.outbox();
        let wrote = outbox.write(self.stream.as_fd(), &mut finished);
        self.queued.store(outbox.bytes(), Ordering::Release);
        wrote
    }

    /// Drops what is queued and whatever is sent.
    pub(crate) fn stop_sending(&self) {
        let mut finished = Vec::new();
        let mut outbox = self.outbox();
        outbox.close(&mut finished);
        self.queued.store(0, Ordering::Release);
    }

    pub(crate) fn close(&self) {
        self.stop_sending();
        // It fails when the peer is gone, and then there is nothing to end.
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
    }

    pub(crate) fn wake(&self) -> &Wake {
        &self.wake
    }

    /// Whether `Channel::wake` was called since this was last asked.
    pub(crate) fn take_woken(&self) -> bool {
        // ORDERING: Acquire, so that this thread sees what was done before the wake-up.
        self.woken.swap(false, Ordering::AcqRel)
    }
}
