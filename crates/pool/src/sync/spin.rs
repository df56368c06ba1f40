//! Looking for something without sleeping: to be woken takes longer than many a short wait.

use std::time::Instant;
use std::{hint, thread};

/// Looks whether it `is_over` until `deadline`, and says whether it was. Looks at least once, and at the
/// clock only after every `looks` looks. In between the thread yields its core: what it waits for may need
/// that very one, and a core that others need loses nothing. `looks` is 1 where a look costs about as much as
/// a yield, as one that takes a mutex, and more where it is one load.
pub fn spin_until(deadline: Instant, looks: u32, is_over: impl Fn() -> bool) -> bool {
    loop {
        for look in 0..looks {
            if look > 0 {
                hint::spin_loop();
            }
            if is_over() {
                return true;
            }
        }
        if Instant::now() >= deadline {
            return false;
        }
        thread::yield_now();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use super::*;

    #[test]
    fn it_looks_until_it_is_over_or_the_time_is() {
        let looks = Cell::new(0);
        let after = |count: u32| {
            looks.set(0);
            let looks = &looks;
            move || looks.replace(looks.get() + 1) + 1 >= count
        };
        let far = Instant::now() + Duration::from_secs(3600);
        assert!(spin_until(far, 4, after(10)));
        assert_eq!(looks.get(), 10);
        assert!(!spin_until(Instant::now(), 4, after(10)));
        assert_eq!(looks.get(), 4, "one round");
    }
}
