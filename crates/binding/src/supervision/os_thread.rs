//! What the system tells of a thread.

use std::time::Duration;

/// For how long a thread has had a processor so far, by the system's number of it; none where that cannot be told.
#[cfg(target_os = "linux")]
pub(crate) fn time_on_processor(thread: i64) -> Option<Duration> {
    /// What makes a thread's number the number of its clock: it stands negated above the bits for "one thread" and "as scheduled".
    /// So does `pthread_getcpuclockid`, which however takes a `pthread_t`, and that dangles once the thread has ended.
    const OF_THREAD_AS_SCHEDULED: libc::clockid_t = 0b110;
    /// Beyond every thread's number, and what leaves room for the bits.
    const MOST: libc::clockid_t = 1 << 28;
    let number = libc::clockid_t::try_from(thread).ok().filter(|number| (1..MOST).contains(number))?;
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: an out pointer to a local; the system refuses the number of a thread that is not of this process.
    let refused = unsafe { libc::clock_gettime((!number << 3) | OF_THREAD_AS_SCHEDULED, &mut time) };
    let nanoseconds = u32::try_from(time.tv_nsec).ok()?;
    (refused == 0).then(|| Duration::new(time.tv_sec.unsigned_abs(), nanoseconds))
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn time_on_processor(_thread: i64) -> Option<Duration> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn time_on_a_processor_grows_with_work_and_not_with_sleep() {
        // SAFETY: no arguments; cannot fail.
        let me = unsafe { libc::syscall(libc::SYS_gettid) };
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
