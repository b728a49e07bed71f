//! A second thread, made the way relibc makes one.

use core::arch::global_asm;
use core::sync::atomic::{AtomicI32, AtomicUsize, Ordering};

use syscall::{close, dup, futex, write, ContextStatus, ContextVerb, CtxtStsBuf, EAGAIN, FUTEX_WAIT, FUTEX_WAKE};

use super::files::Open;
use crate::runtime::Start;
use crate::tap::{equal, Failure, Named, Outcome};

#[repr(align(16))]
struct Stack(#[allow(dead_code)] [u8; 16384]);

static mut STACK: Stack = Stack([0; 16384]);
static THREAD: AtomicUsize = AtomicUsize::new(0);
static DONE: AtomicI32 = AtomicI32::new(0);

extern "C" {
    fn thread_entry();
}

global_asm!("thread_entry:", "xor ebp, ebp", "and rsp, -16", "call thread_main", "ud2");

#[no_mangle]
extern "C" fn thread_main() -> ! {
    DONE.store(1, Ordering::SeqCst);
    // SAFETY: the word is static.
    let _ = unsafe { futex(DONE.as_ptr(), FUTEX_WAKE, 1, 0, core::ptr::null_mut()) };
    loop {
        // The verb, then the stack to unmap: none, it is static.
        if let Ok(status) = dup(THREAD.load(Ordering::SeqCst), b"status") {
            let _ = write(status, words(&[ContextVerb::ForceKill as usize, 0, 0]));
        }
    }
}

fn words(words: &[usize]) -> &[u8] {
    // SAFETY: any word is bytes.
    unsafe { core::slice::from_raw_parts(words.as_ptr().cast(), core::mem::size_of_val(words)) }
}

/// Opens `name` of the new thread, writes to it, and closes it, which applies what was written.
fn apply(thread: usize, name: &[u8], content: &[u8]) -> Outcome {
    let handle = dup(thread, name).named("dup of the new thread")?;
    write(handle, content).named("write to the new thread")?;
    close(handle).named("close of a thread handle").map(drop)
}

fn status(thread: usize) -> Result<usize, Failure> {
    let handle = Open(dup(thread, b"status").named("dup status")?);
    let mut buffer = CtxtStsBuf::default();
    syscall::read(handle.0, &mut buffer).named("read of status")?;
    Ok(buffer.status)
}

pub fn run(start: &Start) -> Outcome {
    let thread = Open(dup(start.process, b"new-thread").named("dup new-thread")?);
    THREAD.store(thread.0, Ordering::SeqCst);
    equal("before its start", status(thread.0)?, ContextStatus::NotYetStarted as usize)?;

    let space = Open(dup(start.thread, b"addrspace").named("dup addrspace")?);
    let top = (&raw const STACK) as usize + core::mem::size_of::<Stack>();
    apply(thread.0, b"current-addrspace", words(&[space.0, top, thread_entry as *const () as usize]))?;
    let table = Open(dup(start.thread, b"filetable").named("dup filetable")?);
    apply(thread.0, b"current-filetable", words(&[table.0]))?;
    apply(thread.0, b"start", &[0])?;

    while DONE.load(Ordering::SeqCst) == 0 {
        // SAFETY: the word is static.
        match unsafe { futex(DONE.as_ptr(), FUTEX_WAIT, 0, 0, core::ptr::null_mut()) } {
            Ok(_) => {}
            Err(error) if error.errno == EAGAIN => {}
            Err(error) => return Err(Failure::Error("futex", error)),
        }
    }
    // Its death is not announced to us: look until it has happened, and give the processor away between looks.
    for _ in 0..100_000 {
        let now = match status(thread.0) {
            Ok(now) => now,
            // The process manager may forget a dead thread at once.
            Err(Failure::Error(_, error)) if error.errno == syscall::EOWNERDEAD => return Ok(()),
            Err(failure) => return Err(failure),
        };
        if now == ContextStatus::Dead as usize || now == ContextStatus::ForceKilled as usize {
            return Ok(());
        }
        syscall::sched_yield().named("yield")?;
    }
    Err(Failure::Not("the thread dies"))
}
