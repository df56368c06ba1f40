//! What Linux has: a start without a copy of the page tables, a death signal, pidfds, /proc.
//!
//! `fork` copies the page tables of the whole process, which for a heap of gigabytes takes milliseconds; the
//! death signal rules out `posix_spawn`, which cannot ask for it. So this does what `posix_spawn` does
//! inside: `clone` with CLONE_VM and CLONE_VFORK. The child borrows our memory and runs on a stack of its
//! own, while the calling thread is stopped until the child has called `exec` or ended. All signals are
//! blocked meanwhile and their handlers reset before they are let through, so that no handler of ours runs in
//! it.

use std::ffi::{CString, OsStr, c_char, c_int, c_void};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr;

use crate::CHANNEL_FD;
use crate::command::Command;
use crate::unix::marks::Marks;
use crate::unix::{MARKS_FD, socket};

const STACK: usize = 64 << 10;
/// How large the stack of a child's main thread may become; its tasks lie on each other there. It is taken as
/// it is used.
const STACK_OF_MAIN: libc::rlim_t = 16 << 20;

/// What the child reads, and where it says why it failed. Plain numbers and pointers into memory that
/// outlives the call.
struct Plan {
    program: *const c_char,
    args: *const *const c_char,
    env: *const *const c_char,
    null: c_int,
    channel: c_int,
    /// -1 if there are none.
    marks: c_int,
    parent: libc::pid_t,
    error: c_int,
}

/// Memory that the child's stack is in.
#[repr(C, align(16))]
struct Stack([u8; STACK]);

pub(crate) fn start(command: &Command, channel: &OwnedFd) -> io::Result<(libc::pid_t, Option<Marks>)> {
    let program = c_string(find(&command.program)?.as_os_str())?;
    let args =
        strings([command.program.as_os_str()].into_iter().chain(command.args.iter().map(|arg| &**arg)))?;
    let inherited;
    let env = match &command.env {
        Some(env) => env,
        None => {
            inherited = std::env::vars_os().collect::<Vec<_>>();
            &inherited
        }
    };
    let env = env
        .iter()
        .map(|(name, value)| {
            CString::new([name.as_bytes(), b"=", value.as_bytes()].concat()).map_err(io::Error::from)
        })
        .collect::<io::Result<Vec<_>>>()?;
    let (args, env) = (Pointers::new(args), Pointers::new(env));
    let null = socket::copy_above(File::open("/dev/null")?.as_fd(), MARKS_FD + 1)?;
    let (marks, memory) = Marks::new().ok().unzip();
    let memory = memory.and_then(|memory| socket::copy_above(memory.as_fd(), MARKS_FD + 1).ok());
    let mut plan = Plan {
        program: program.as_ptr(),
        args: args.pointers.as_ptr(),
        env: env.pointers.as_ptr(),
        null: null.as_raw_fd(),
        channel: channel.as_raw_fd(),
        marks: memory.as_ref().map_or(-1, AsRawFd::as_raw_fd),
        // SAFETY: the call has no conditions.
        parent: unsafe { libc::getpid() },
        error: 0,
    };
    let pid = clone(&mut plan)?;
    // SAFETY: `plan` is ours; the read is volatile because another process has written there.
    let error = unsafe { ptr::read_volatile(&raw const plan.error) };
    if error == 0 {
        return Ok((pid, marks.filter(|_| memory.is_some())));
    }
    // SAFETY: the call waits for a child that has ended, or is about to, and is not known to anybody else.
    unsafe { while libc::waitpid(pid, ptr::null_mut(), 0) < 0 && *libc::__errno_location() == libc::EINTR {} }
    Err(io::Error::from_raw_os_error(error))
}

/// Runs `child` in a process that borrows our memory; returns once that process has its own or is dead.
fn clone(plan: &mut Plan) -> io::Result<libc::pid_t> {
    let mut stack = Box::<Stack>::new_uninit();
    // SAFETY: the sum is the end of the stack's own memory, and aligned as `Stack` is.
    let top = unsafe { stack.as_mut_ptr().cast::<u8>().add(STACK) };
    // SAFETY: all zero bytes are a signal set.
    let (mut all, mut before): (libc::sigset_t, libc::sigset_t) = unsafe { std::mem::zeroed() };
    // SAFETY: both sets live through the calls, which change the mask of this thread alone.
    let failed = unsafe {
        libc::sigfillset(&raw mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before)
    };
    if failed != 0 {
        return Err(io::Error::from_raw_os_error(failed));
    }
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    // SAFETY: the child runs `child` on a stack that nobody else uses, with a plan that nobody else uses, and
    // because of CLONE_VFORK this thread goes on only when the child uses neither any more. Other threads run
    // on meanwhile, but `child` touches nothing of theirs: it makes system calls only, and the one thing of
    // the C library that it shares is the errno of this stopped thread.
    let pid = unsafe { libc::clone(child, top.cast(), flags, ptr::from_mut(plan).cast()) };
    let error = io::Error::last_os_error();
    // SAFETY: the set is the one that the call above has written.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, ptr::null_mut()) };
    if pid < 0 { Err(error) } else { Ok(pid) }
}

/// The child's side until `exec`.
extern "C" fn child(plan: *mut c_void) -> c_int {
    let plan = plan.cast::<Plan>();
    // SAFETY: `plan` is the caller's, which is stopped meanwhile. Everything called here is a bare system
    // call or a wrapper of one that takes no lock and no memory; nothing panics.
    unsafe {
        let failed = prepare(&*plan);
        if !failed {
            libc::execve((*plan).program, (*plan).args, (*plan).env);
        }
        ptr::write_volatile(&raw mut (*plan).error, *libc::__errno_location());
        libc::_exit(127)
    }
}

/// True if something failed, which errno tells.
///
/// # Safety
/// For `child` alone: it changes the whole process that calls it.
unsafe fn prepare(plan: &Plan) -> bool {
    // SAFETY: the calls change this process, which is the child. The sets and actions that pointers lead to
    // are locals.
    unsafe {
        // First, so that the terminal's signals pass by; then the death signal, which is lost if the parent
        // died before it was set: in that case somebody else is the parent by now.
        if libc::setpgid(0, 0) < 0
            || libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong, 0, 0, 0) < 0
        {
            return true;
        }
        if libc::getppid() != plan.parent {
            libc::_exit(127);
        }
        if libc::dup2(plan.null, 0) < 0 || libc::dup2(plan.channel, CHANNEL_FD) < 0 {
            return true;
        }
        let first =
            if plan.marks >= 0 && libc::dup2(plan.marks, MARKS_FD) >= 0 { MARKS_FD + 1 } else { MARKS_FD };
        // Node closes its own stdout and stderr to programs that it starts, and opens them for each one
        // again. Where there is none the call fails, and there is nothing to inherit.
        libc::fcntl(1, libc::F_SETFD, 0);
        libc::fcntl(2, libc::F_SETFD, 0);
        // What others have left open to programs that are started. Kernels before 5.11 do not know it; ours
        // are closed to them anyway.
        let flag = libc::CLOSE_RANGE_CLOEXEC as libc::c_ulong;
        libc::syscall(libc::SYS_close_range, first as libc::c_ulong, c_int::MAX as libc::c_ulong, flag);

        // Where more is forbidden it keeps what it has.
        let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        if libc::getrlimit(libc::RLIMIT_STACK, &raw mut limit) == 0 && limit.rlim_cur < STACK_OF_MAIN {
            limit.rlim_cur = STACK_OF_MAIN.min(limit.rlim_max);
            libc::setrlimit(libc::RLIMIT_STACK, &raw const limit);
        }

        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = libc::SIG_DFL;
        for signal in 1..=64 {
            // It refuses those that cannot be caught and those that the C library keeps.
            libc::sigaction(signal, &raw const action, ptr::null_mut());
        }
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut()) < 0
    }
}

/// The file that a name stands for.
fn find(program: &OsStr) -> io::Result<PathBuf> {
    if program.as_bytes().contains(&b'/') {
        return Ok(PathBuf::from(program));
    }
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/bin:/usr/bin".into());
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| is_executable(file))
        .ok_or_else(|| io::Error::from_raw_os_error(libc::ENOENT))
}

fn is_executable(file: &Path) -> bool {
    // SAFETY: the string ends in a zero and lives through the call.
    file.is_file()
        && c_string(file.as_os_str())
            .is_ok_and(|name| unsafe { libc::access(name.as_ptr(), libc::X_OK) } == 0)
}

fn c_string(text: &OsStr) -> io::Result<CString> {
    Ok(CString::new(text.as_bytes())?)
}

fn strings<'a>(texts: impl Iterator<Item = &'a OsStr>) -> io::Result<Vec<CString>> {
    texts.map(c_string).collect()
}

/// Strings as C has them: pointers, the last of which is null.
struct Pointers {
    pointers: Vec<*const c_char>,
    _strings: Vec<CString>,
}

impl Pointers {
    fn new(strings: Vec<CString>) -> Pointers {
        let pointers = strings.iter().map(|text| text.as_ptr()).chain([ptr::null()]).collect();
        Pointers { pointers, _strings: strings }
    }
}

/// A descriptor that is readable once the child is dead; none where the kernel or a filter of system calls
/// does not allow it.
pub(crate) fn pidfd(pid: libc::pid_t) -> Option<OwnedFd> {
    // SAFETY: the call only makes a new descriptor. The child is not reaped, so that the number is its own.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    let fd = c_int::try_from(fd).ok().filter(|fd| *fd >= 0)?;
    // SAFETY: `fd` was made by the call above and belongs to nobody else.
    Some(unsafe { OwnedFd::from_raw_fd(fd) })
}

pub(crate) fn resident_bytes(pid: libc::pid_t) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    let pages: u64 = text.split_ascii_whitespace().nth(1)?.parse().ok()?;
    // SAFETY: the call has no conditions.
    let page = u64::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).ok()?;
    Some(pages * page)
}
