//! What the system tells of a thread, by its number: all on Linux, a part on Windows, and nothing elsewhere.

use std::time::Duration;

/// The system's number of the calling thread; 0 where there is none.
#[cfg(target_os = "linux")]
pub(crate) fn current() -> i64 {
    // SAFETY: no arguments; cannot fail.
    unsafe { libc::syscall(libc::SYS_gettid) }
}

#[cfg(windows)]
pub(crate) fn current() -> i64 {
    // SAFETY: no arguments; cannot fail.
    i64::from(unsafe { kernel32::GetCurrentThreadId() })
}

#[cfg(not(any(target_os = "linux", windows)))]
pub(crate) fn current() -> i64 {
    0
}

/// Whether a thread sleeps in the system, as in `Atomics.wait` or a blocking call. False where that cannot
/// be told.
pub(crate) fn is_asleep(thread: i64) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/self/task/{thread}/stat"));
    // The state follows the name, which is in parentheses and may hold anything.
    stat.is_ok_and(|stat| {
        stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with(['S', 'D']))
    })
}

/// For how long a thread has had a processor so far, by the system's number of it; none where that cannot
/// be told.
#[cfg(target_os = "linux")]
pub(crate) fn time_on_processor(thread: i64) -> Option<Duration> {
    /// What makes a thread's number the number of its clock: it stands negated above the bits for "one
    /// thread" and "as scheduled". So does `pthread_getcpuclockid`, which however takes a `pthread_t`, and
    /// that dangles once the thread has ended.
    const OF_THREAD_AS_SCHEDULED: libc::clockid_t = 0b110;
    /// Above every thread's number, and small enough to leave room for the bits.
    const MOST: libc::clockid_t = 1 << 28;
    let number = libc::clockid_t::try_from(thread).ok().filter(|number| (1..MOST).contains(number))?;
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: an out pointer to a local; the system refuses the number of a thread that is not of this
    // process.
    let refused = unsafe { libc::clock_gettime((!number << 3) | OF_THREAD_AS_SCHEDULED, &mut time) };
    let nanoseconds = u32::try_from(time.tv_nsec).ok()?;
    (refused == 0).then(|| Duration::new(time.tv_sec.unsigned_abs(), nanoseconds))
}

/// The same. Windows counts in ticks of its clock, of some 16 ms, so this may be late by as much.
#[cfg(windows)]
pub(crate) fn time_on_processor(thread: i64) -> Option<Duration> {
    /// `THREAD_QUERY_LIMITED_INFORMATION`.
    const MAY_ASK: u32 = 0x0800;
    let number = u32::try_from(thread).ok().filter(|number| *number != 0)?;
    // SAFETY: the system refuses a number that no thread has.
    let handle = unsafe { kernel32::OpenThread(MAY_ASK, 0, number) };
    if handle.is_null() {
        return None;
    }
    let [mut begun, mut ended, mut in_system, mut in_program] = [0u64; 4];
    // SAFETY: an open handle, closed once; a FILETIME is 64 bits, its lower half first; out pointers to
    // locals. Numbers are unique in the whole system: a thread of another process is none of ours.
    let is_told = unsafe {
        let is_ours = kernel32::GetProcessIdOfThread(handle) == std::process::id();
        let is_told = is_ours
            && kernel32::GetThreadTimes(handle, &mut begun, &mut ended, &mut in_system, &mut in_program) != 0;
        kernel32::CloseHandle(handle);
        is_told
    };
    // In units of 100 ns.
    is_told.then(|| Duration::from_nanos((in_system + in_program) * 100))
}

#[cfg(windows)]
mod kernel32 {
    use std::ffi::c_void;

    #[link(name = "kernel32")]
    unsafe extern "system" {
        pub(super) fn GetCurrentThreadId() -> u32;
        pub(super) fn OpenThread(access: u32, inherit: i32, thread: u32) -> *mut c_void;
        pub(super) fn GetProcessIdOfThread(thread: *mut c_void) -> u32;
        pub(super) fn GetThreadTimes(
            thread: *mut c_void,
            begun: *mut u64,
            ended: *mut u64,
            in_system: *mut u64,
            in_program: *mut u64,
        ) -> i32;
        pub(super) fn CloseHandle(handle: *mut c_void) -> i32;
    }
}

#[cfg(not(any(target_os = "linux", windows)))]
pub(crate) fn time_on_processor(_thread: i64) -> Option<Duration> {
    None
}

#[cfg(all(test, any(target_os = "linux", windows)))]
mod tests {
    use super::*;

    #[test]
    fn time_on_a_processor_grows_with_work_and_not_with_sleep() {
        let me = current();
        let before = time_on_processor(me).expect("a clock");
        std::thread::sleep(Duration::from_millis(100));
        let slept = time_on_processor(me).expect("a clock") - before;
        assert!(slept < Duration::from_millis(90), "{slept:?}");
        while time_on_processor(me).expect("a clock") < before + Duration::from_millis(100) {}
        // Seen from another thread, too.
        let seen = std::thread::spawn(move || time_on_processor(me)).join().expect("no panic");
        assert!(seen.is_some_and(|seen| seen >= before + Duration::from_millis(100)), "{seen:?}");
        assert_eq!(time_on_processor(0), None);
        assert_eq!(time_on_processor(i64::from(i32::MAX)), None);
    }
}
