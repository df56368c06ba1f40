//! Ends another thread's `poll`: an eventfd on Linux, a pipe elsewhere.
//!
//! `raised` says that the descriptor has been written since it was last emptied, so that many wake-ups cost
//! one write. The sleeper empties the descriptor first and lowers the flag afterwards. Whoever raises it in
//! between finds it raised and writes nothing, but has told its reason before; lowering it (an AcqRel swap
//! that reads the raiser's) makes the sleeper see that reason when it looks next.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};

pub(crate) struct Wake {
    raised: AtomicBool,
    reader: OwnedFd,
    /// The same descriptor's other end; an eventfd is its own.
    writer: Option<OwnedFd>,
}

impl Wake {
    #[cfg(all(target_os = "linux", not(process_portable)))]
    pub(crate) fn new() -> io::Result<Wake> {
        // SAFETY: the call only makes a new descriptor.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: `fd` was made by the call above and belongs to nobody else.
        let reader = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Wake { raised: AtomicBool::new(false), reader, writer: None })
    }

    #[cfg(not(all(target_os = "linux", not(process_portable))))]
    pub(crate) fn new() -> io::Result<Wake> {
        use crate::unix::socket;
        let mut ends = [0; 2];
        // SAFETY: pipe writes two descriptors, for which there is room.
        socket::done(unsafe { libc::pipe(ends.as_mut_ptr()) })?;
        // SAFETY: both were made by the call above and belong to nobody else.
        let [reader, writer] = ends.map(|end| unsafe { OwnedFd::from_raw_fd(end) });
        for end in [&reader, &writer] {
            // SAFETY: these calls change flags of a descriptor that is ours.
            let failed = unsafe {
                libc::fcntl(end.as_raw_fd(), libc::F_SETFD, libc::FD_CLOEXEC) < 0
                    || libc::fcntl(end.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) < 0
            };
            if failed {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(Wake { raised: AtomicBool::new(false), reader, writer: Some(writer) })
    }

    /// Makes the descriptor readable until `lower`.
    pub(crate) fn raise(&self) {
        // ORDERING: see the module's comment.
        if self.raised.swap(true, Ordering::AcqRel) {
            return;
        }
        let writer = self.writer.as_ref().unwrap_or(&self.reader);
        let one = 1u64.to_ne_bytes();
        // SAFETY: write reads the eight bytes of `one`. It cannot block, and neither an eventfd at one nor a
        // pipe that holds one such write is full.
        unsafe { libc::write(writer.as_raw_fd(), one.as_ptr().cast(), one.len()) };
    }

    /// Empties the descriptor and lowers the flag.
    pub(crate) fn lower(&self) {
        let mut bytes = [0u8; 16];
        // SAFETY: read writes at most the sixteen bytes of `bytes`; it cannot block.
        unsafe { libc::read(self.reader.as_raw_fd(), bytes.as_mut_ptr().cast(), bytes.len()) };
        // ORDERING: see the module's comment.
        self.raised.swap(false, Ordering::AcqRel);
    }

    /// Whether the descriptor is readable, or about to be.
    pub(crate) fn is_raised(&self) -> bool {
        self.raised.load(Ordering::Acquire)
    }

    pub(crate) fn descriptor(&self) -> RawFd {
        self.reader.as_raw_fd()
    }
}
