//! Clocks, sleeping, futexes.

use syscall::{
    clock_gettime, futex, nanosleep, openat, read, TimeSpec, CLOCK_MONOTONIC, CLOCK_REALTIME, EAGAIN, EFAULT, EINVAL,
    FUTEX_WAIT, FUTEX_WAKE, O_RDWR,
};

use super::files::Open;
use crate::runtime::Start;
use crate::tap::{equal, fails, holds, Failure, Named, Outcome};

const NANOS_PER_SECOND: i64 = 1_000_000_000;

fn now(clock: usize) -> Result<i64, Failure> {
    let mut time = TimeSpec::default();
    clock_gettime(clock, &mut time).named("clock_gettime")?;
    holds("nanoseconds in range", (0..NANOS_PER_SECOND).contains(&i64::from(time.tv_nsec)))?;
    Ok(time.tv_sec * NANOS_PER_SECOND + i64::from(time.tv_nsec))
}

pub fn clocks(_: &Start) -> Outcome {
    let first = now(CLOCK_MONOTONIC)?;
    let second = now(CLOCK_MONOTONIC)?;
    holds("monotonic time does not go back", second >= first)?;
    // 2020 has passed wherever this runs.
    holds("real time is a date", now(CLOCK_REALTIME)? > 1_577_836_800 * NANOS_PER_SECOND)?;
    fails("another clock", clock_gettime(2, &mut TimeSpec::default()), EINVAL)
}

pub fn sleep(_: &Start) -> Outcome {
    let begin = now(CLOCK_MONOTONIC)?;
    let request = TimeSpec { tv_sec: 0, tv_nsec: 2_000_000 };
    let mut rest = TimeSpec { tv_sec: 7, tv_nsec: 7 };
    nanosleep(&request, &mut rest).named("nanosleep")?;
    holds("at least as long as asked", now(CLOCK_MONOTONIC)? - begin >= 2_000_000)?;
    holds("nothing is left", rest == TimeSpec::default())?;
    let invalid = TimeSpec { tv_sec: 0, tv_nsec: 1_000_000_000 };
    fails("a second of nanoseconds", nanosleep(&invalid, &mut rest), EINVAL)
}

pub fn scheme(start: &Start) -> Outcome {
    let clock = Open(openat(start.namespace, "/scheme/time/4", O_RDWR, 0).named("open of the clock")?);
    let before = now(CLOCK_MONOTONIC)?;
    let mut time = TimeSpec::default();
    equal("its size", read(clock.0, &mut time).named("read")?, 16)?;
    let read_time = time.tv_sec * NANOS_PER_SECOND + i64::from(time.tv_nsec);
    holds("between two looks", before <= read_time && read_time <= now(CLOCK_MONOTONIC)?)
}

pub fn futex_alone(_: &Start) -> Outcome {
    let mut word = 5_i32;
    let address: *mut i32 = &mut word;
    // SAFETY: the word outlives the calls; the unaligned and absent addresses are only named.
    unsafe {
        fails("another value", futex(address, FUTEX_WAIT, 6, 0, core::ptr::null_mut()), EAGAIN)?;
        equal("woken", futex(address, FUTEX_WAKE, 1, 0, core::ptr::null_mut()).named("wake")?, 0)?;
        let odd = address.cast::<u8>().wrapping_add(1).cast();
        fails("an unaligned word", futex(odd, FUTEX_WAIT, 5, 0, core::ptr::null_mut()), EINVAL)?;
        let absent = 0x10 as *mut i32;
        fails("an absent word", futex(absent, FUTEX_WAIT, 5, 0, core::ptr::null_mut()), EFAULT)
    }
}
