//! Calls on sockets and descriptors that never block and never raise a signal.

use std::ffi::c_int;
use std::io::{self, IoSlice};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};

/// What writing to a stream whose peer is gone must not do is raise SIGPIPE. Linux has a flag of the call for
/// it; elsewhere the socket is told once, by `prepare`.
#[cfg(target_os = "linux")]
const FLAGS: c_int = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
#[cfg(not(target_os = "linux"))]
const FLAGS: c_int = libc::MSG_DONTWAIT;

/// What the kernel holds of a stream that is not read yet. Every Linux allows this much, of which it makes
/// twice as much; what it has by default stops a writer of a megabyte twice as often.
const HELD: c_int = 212_992;

/// Makes a socket ready to be one of ours.
pub(crate) fn prepare(socket: BorrowedFd<'_>) -> io::Result<()> {
    #[cfg(not(target_os = "linux"))]
    set(socket, libc::SO_NOSIGPIPE, 1)?;
    // A system that refuses leaves it as it is, which is slower and no more.
    let _ = set(socket, libc::SO_SNDBUF, HELD);
    Ok(())
}

fn set(socket: BorrowedFd<'_>, option: c_int, value: c_int) -> io::Result<()> {
    let size = size_of::<c_int>() as libc::socklen_t;
    // SAFETY: the option's value is an int that lives through the call, and `size` is its size.
    done(unsafe {
        let value = (&raw const value).cast();
        libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, option, value, size)
    })
}

/// Zero is success, anything else is in errno.
pub(crate) fn done(result: c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Writes what the socket takes of `pieces` at once; at least one byte, or an error.
pub(crate) fn send(socket: BorrowedFd<'_>, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
    // SAFETY: all zero bytes are a msghdr with no address, no pieces and no control data.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = pieces.as_ptr().cast_mut().cast();
    message.msg_iovlen = pieces.len() as _;
    // SAFETY: an IoSlice has the layout of an iovec, and `pieces` borrows what they point at; sendmsg only
    // reads both, although the field is declared mutable.
    let sent = unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const message, FLAGS) };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}

/// Appends what has arrived to `target`, at most `limit` bytes and no more than it has room for. Zero is the
/// stream's end.
pub(crate) fn receive(socket: BorrowedFd<'_>, target: &mut Vec<u8>, limit: usize) -> io::Result<usize> {
    let room = target.spare_capacity_mut();
    let length = room.len().min(limit);
    // SAFETY: recv writes at most `length` bytes, into spare capacity of a vector that nobody else has now.
    let read = unsafe {
        let start = room.as_mut_ptr().cast();
        libc::recv(socket.as_raw_fd(), start, length, libc::MSG_DONTWAIT)
    };
    let read = usize::try_from(read).map_err(|_| io::Error::last_os_error())?;
    // SAFETY: recv has initialised the `read` bytes after the old length, and `read` is at most the spare
    // capacity.
    unsafe { target.set_len(target.len() + read) };
    Ok(read)
}

/// How many bytes could be read now.
pub(crate) fn readable(socket: BorrowedFd<'_>) -> io::Result<usize> {
    let mut bytes: c_int = 0;
    // SAFETY: FIONREAD writes one int, which `bytes` is.
    done(unsafe { libc::ioctl(socket.as_raw_fd(), libc::FIONREAD, &raw mut bytes) })?;
    Ok(usize::try_from(bytes).unwrap_or(0))
}

/// An entry for `poll`. A negative descriptor is one that is left out.
pub(crate) fn watched(fd: RawFd, events: libc::c_short) -> libc::pollfd {
    libc::pollfd { fd, events, revents: 0 }
}

/// Waits until one of them is ready or the time is over; `None` waits for ever. An interrupted wait is one
/// that found nothing.
pub(crate) fn poll(entries: &mut [libc::pollfd], milliseconds: Option<c_int>) -> io::Result<()> {
    // SAFETY: the pointer and the count are those of one mutable slice.
    let ready = unsafe {
        libc::poll(entries.as_mut_ptr(), entries.len() as libc::nfds_t, milliseconds.unwrap_or(-1))
    };
    if ready >= 0 {
        return Ok(());
    }
    for entry in entries {
        entry.revents = 0;
    }
    let error = io::Error::last_os_error();
    if error.kind() == io::ErrorKind::Interrupted { Ok(()) } else { Err(error) }
}

/// A copy of `fd` whose number is at least `lowest`, and which no program that is started inherits.
pub(crate) fn copy_above(fd: BorrowedFd<'_>, lowest: RawFd) -> io::Result<OwnedFd> {
    use std::os::fd::FromRawFd;
    // SAFETY: the call only makes a new descriptor.
    let copy = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, lowest) };
    if copy < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: `copy` was made by the call above and belongs to nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}

/// Whether `fd` is a stream socket of the Unix domain.
pub(crate) fn is_unix_stream(fd: BorrowedFd<'_>) -> bool {
    let mut kind: c_int = 0;
    let mut size = size_of::<c_int>() as libc::socklen_t;
    // SAFETY: the option's value is an int, `size` its size, and both live through the call.
    let no_type = unsafe {
        let value = (&raw mut kind).cast();
        libc::getsockopt(fd.as_raw_fd(), libc::SOL_SOCKET, libc::SO_TYPE, value, &raw mut size)
    };
    if no_type != 0 || kind != libc::SOCK_STREAM {
        return false;
    }
    // SAFETY: all zero bytes are an address of no family.
    let mut address: libc::sockaddr_storage = unsafe { std::mem::zeroed() };
    let mut size = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
    // SAFETY: `address` has room for `size` bytes, and both live through the call.
    let no_name = unsafe { libc::getsockname(fd.as_raw_fd(), (&raw mut address).cast(), &raw mut size) };
    no_name == 0 && i32::from(address.ss_family) == libc::AF_UNIX
}

/// Lets the peer read the end of the stream after what was written.
pub(crate) fn end_writing(socket: BorrowedFd<'_>) {
    // SAFETY: the call changes the state of a socket that is open. It fails where the peer is gone, and then
    // there is nobody to tell.
    unsafe { libc::shutdown(socket.as_raw_fd(), libc::SHUT_WR) };
}
