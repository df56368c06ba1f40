//! Marks in memory that a parent shares with its child, by which the two agree on who has a thing without a
//! message. They outlive the child.
//!
//! The memory is a file without a name. It is sealed, so that a child that is hostile cannot make it shorter,
//! which would end the parent by SIGBUS. What the child writes there is its own loss: each mark only says
//! whether a thing was begun that this very child was given.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU8, Ordering};

use crate::unix::MARKS_FD;

const OFFERED: u8 = 0;
const BEGUN: u8 = 1;
const TAKEN_BACK: u8 = 2;
const CALLED: u8 = 3;

const SEALS: libc::c_int = libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_SEAL;

/// So many marks, each of one byte; see the module.
pub struct Marks {
    memory: NonNull<[AtomicU8; Marks::COUNT]>,
}

// SAFETY: the memory is mapped for as long as this lives, and is used as atomics only.
unsafe impl Send for Marks {}
// SAFETY: as above.
unsafe impl Sync for Marks {}

impl Marks {
    /// How many there are.
    pub const COUNT: usize = 64;

    /// New ones, with the descriptor for the child. Fails where the system does not have such memory, or
    /// lets none be had.
    pub(crate) fn new() -> io::Result<(Marks, OwnedFd)> {
        // SAFETY: the call makes a new descriptor; the name lives through it. Called by its number: older C
        // libraries lack its name.
        let fd = unsafe {
            let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
            libc::syscall(libc::SYS_memfd_create, c"concurrent-futures".as_ptr(), flags)
        };
        let fd = libc::c_int::try_from(fd).ok().filter(|fd| *fd >= 0).ok_or_else(io::Error::last_os_error)?;
        // SAFETY: it was made above and belongs to nobody else.
        let file = File::from(unsafe { OwnedFd::from_raw_fd(fd) });
        file.set_len(Marks::COUNT as u64)?;
        // SAFETY: the call changes what may be done with the file that is ours.
        if unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, SEALS) } < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok((Marks::over(file.as_fd())?, file.into()))
    }

    /// In a child: those that its parent has made for it, if it has. They can be taken once.
    pub fn of_parent() -> Option<Marks> {
        // SAFETY: the call asks for the seals of a number that need not be a descriptor. Only a file of this
        // kind has any.
        let seals = unsafe { libc::fcntl(MARKS_FD, libc::F_GET_SEALS) };
        // The system may have added one of its own (`vm.memfd_noexec`).
        if seals < 0 || seals & SEALS != SEALS {
            return None;
        }
        // SAFETY: it is open, and is what the parent has made for whoever calls this: nothing else at this
        // number has these seals. Once taken it is closed, so that a second call finds none.
        let file = File::from(unsafe { OwnedFd::from_raw_fd(MARKS_FD) });
        if file.metadata().ok()?.len() != Marks::COUNT as u64 {
            return None;
        }
        Marks::over(file.as_fd()).ok()
    }

    /// Over a file that is at least as long as the marks are, and sealed so that it stays so.
    fn over(file: BorrowedFd<'_>) -> io::Result<Marks> {
        let rights = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: the call maps memory at an address that is free.
        let memory = unsafe {
            libc::mmap(ptr::null_mut(), Marks::COUNT, rights, libc::MAP_SHARED, file.as_raw_fd(), 0)
        };
        if memory == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        NonNull::new(memory.cast()).map(|memory| Marks { memory }).ok_or_else(|| io::ErrorKind::Other.into())
    }

    fn mark(&self, number: usize) -> &AtomicU8 {
        // SAFETY: the memory is mapped until `self` is dropped, is not shortened, and any byte is an
        // AtomicU8. The other process changes it by atomic instructions if it is ours, and if not, no more
        // than a byte that is read as one.
        let marks = unsafe { self.memory.as_ref() };
        &marks[number % Marks::COUNT]
    }

    fn change(&self, number: usize, to: u8) -> bool {
        // ORDERING: what goes with a thing is sent by a message; here it is only who has it.
        self.mark(number).compare_exchange(OFFERED, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// The parent offers a thing under this number, before it sends it.
    pub fn offer(&self, number: usize) {
        self.mark(number).store(OFFERED, Ordering::Release);
    }

    /// The child takes it up. False if it was taken back.
    pub fn begin(&self, number: usize) -> bool {
        self.change(number, BEGUN)
    }

    /// The child does now what cannot be undone.
    pub fn call(&self, number: usize) {
        let not_taken = |mark| (mark != TAKEN_BACK).then_some(CALLED);
        // ORDERING: as above. It fails where it was taken back, and then nothing is called.
        let _ = self.mark(number).fetch_update(Ordering::AcqRel, Ordering::Acquire, not_taken);
    }

    /// Whether the child has come so far.
    pub fn is_called(&self, number: usize) -> bool {
        self.mark(number).load(Ordering::Acquire) == CALLED
    }

    /// The parent takes it back. False if the child has begun it.
    pub fn take_back(&self, number: usize) -> bool {
        self.change(number, TAKEN_BACK)
    }
}

impl Drop for Marks {
    fn drop(&mut self) {
        // SAFETY: the memory was mapped by `over`, with this length, and nobody else has it.
        unsafe { libc::munmap(self.memory.as_ptr().cast(), Marks::COUNT) };
    }
}

#[cfg(test)]
mod tests {
    use super::Marks;

    #[test]
    fn a_thing_is_begun_or_taken_back() {
        let (marks, fd) = Marks::new().unwrap();
        let theirs = Marks::over(std::os::fd::AsFd::as_fd(&fd)).unwrap();
        marks.offer(3);
        assert!(theirs.begin(3));
        assert!(!marks.take_back(3) && !theirs.begin(3));
        marks.offer(3);
        assert!(marks.take_back(3));
        assert!(!theirs.begin(3) && !marks.take_back(3));
        assert!(theirs.begin(4) && !marks.is_called(4));
        theirs.call(4);
        assert!(marks.is_called(4) && !marks.take_back(4));
    }

    #[test]
    fn the_memory_cannot_be_made_shorter() {
        let (_marks, fd) = Marks::new().unwrap();
        let file = std::fs::File::from(fd);
        assert!(file.set_len(0).is_err());
        assert!(file.set_len(1 << 20).is_err());
    }
}
