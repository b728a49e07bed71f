//! What libc's start code does elsewhere: the entry point, the auxiliary vector, exit, and the functions that
//! compiled code calls by name.

use core::arch::global_asm;
use core::panic::PanicInfo;

use syscall::{syscall5, SYS_CALL};

const AT_NULL: usize = 0;
const AT_REDOX_PROC_FD: usize = 41;
const AT_REDOX_THR_FD: usize = 42;
const AT_REDOX_NS_FD: usize = 43;
const AT_REDOX_CWD_FD: usize = 44;

/// ProcCall::Exit of the process manager.
const PROC_CALL_EXIT: u64 = 2;

// The stack pointer is only 8-aligned at entry, and DF and the control words are the loader's.
global_asm!(".globl _start", "_start:", "xor ebp, ebp", "mov rdi, rsp", "and rsp, -16", "call rust_start", "ud2",);

/// What a program is given at its start.
pub struct Start {
    pub argument_count: usize,
    pub process: usize,
    pub thread: usize,
    pub namespace: usize,
    pub directory: usize,
}

impl Start {
    /// # Safety
    /// `stack` points to argc, and argv, the environment and the auxiliary vector follow it.
    pub unsafe fn read(stack: *const usize) -> Self {
        let argument_count = *stack;
        let mut at = stack.add(1 + argument_count + 1);
        while *at != 0 {
            at = at.add(1);
        }
        at = at.add(1);
        let mut start = Start {
            argument_count,
            process: usize::MAX,
            thread: usize::MAX,
            namespace: usize::MAX,
            directory: usize::MAX,
        };
        while *at != AT_NULL {
            let value = *at.add(1);
            match *at {
                AT_REDOX_PROC_FD => start.process = value,
                AT_REDOX_THR_FD => start.thread = value,
                AT_REDOX_NS_FD => start.namespace = value,
                AT_REDOX_CWD_FD => start.directory = value,
                _ => {}
            }
            at = at.add(2);
        }
        start
    }
}

/// Ends the process through its descriptor, as relibc does: neither READ nor WRITE is set.
pub fn exit(process: usize, status: usize) -> ! {
    let words = [PROC_CALL_EXIT, status as u64];
    // SAFETY: the words live until the call, which does not return.
    let _ = unsafe { syscall5(SYS_CALL, process, 0, 0, words.len(), words.as_ptr() as usize) };
    abort()
}

/// For when even the exit failed: an invalid instruction.
fn abort() -> ! {
    // SAFETY: does not return.
    unsafe { core::arch::asm!("ud2", options(noreturn)) }
}

#[panic_handler]
fn panicked(_: &PanicInfo) -> ! {
    let _ = syscall::write(2, b"Bail out! rust_guest panicked\n");
    abort()
}

/// The compiled core names it in its unwind tables; nothing unwinds here.
#[no_mangle]
extern "C" fn rust_eh_personality() {
    abort()
}

// SAFETY of the five below: the contracts are those of the C functions.

#[no_mangle]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    core::arch::asm!("rep movsb", inout("rcx") count => _, inout("rdi") to => _, inout("rsi") from => _,
        options(nostack, preserves_flags));
    to
}

#[no_mangle]
unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    if (to as usize).wrapping_sub(from as usize) >= count {
        return memcpy(to, from, count);
    }
    core::arch::asm!("std", "rep movsb", "cld", inout("rcx") count => _,
        inout("rdi") to.wrapping_add(count).wrapping_sub(1) => _,
        inout("rsi") from.wrapping_add(count).wrapping_sub(1) => _, options(nostack));
    to
}

#[no_mangle]
unsafe extern "C" fn memset(to: *mut u8, value: i32, count: usize) -> *mut u8 {
    core::arch::asm!("rep stosb", inout("rcx") count => _, inout("rdi") to => _, in("al") value as u8,
        options(nostack, preserves_flags));
    to
}

#[no_mangle]
unsafe extern "C" fn memcmp(left: *const u8, right: *const u8, count: usize) -> i32 {
    for at in 0..count {
        let (l, r) = (left.add(at).read_volatile(), right.add(at).read_volatile());
        if l != r {
            return i32::from(l) - i32::from(r);
        }
    }
    0
}

#[no_mangle]
unsafe extern "C" fn bcmp(left: *const u8, right: *const u8, count: usize) -> i32 {
    memcmp(left, right, count)
}
