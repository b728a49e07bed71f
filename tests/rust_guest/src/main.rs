//! A guest written on redox_syscall alone. It tries what ordinary programs do and prints TAP: a plan, one line a test,
//! exit status 0 when all passed. It needs a writable file scheme and leaves nothing behind.

#![no_std]
#![no_main]

mod cases;
mod runtime;
mod tap;

use runtime::Start;

/// Called by `_start` with the initial stack pointer.
#[no_mangle]
unsafe extern "C" fn rust_start(stack: *const usize) -> ! {
    // SAFETY: `stack` is the initial stack as the loader built it.
    let start = unsafe { Start::read(stack) };
    let all_passed = tap::run(&start, cases::ALL);
    runtime::exit(start.process, usize::from(!all_passed));
}
