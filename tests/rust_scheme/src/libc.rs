//! What libredox expects of relibc, as far as redox-scheme uses it, and memory for `alloc`.

use core::alloc::{GlobalAlloc, Layout};
use core::sync::atomic::{AtomicUsize, Ordering};

use syscall::data::Map;
use syscall::error::{Error, Result};
use syscall::flag::{CallFlags, MapFlags, O_FCNTL_MASK};
use syscall::{syscall3, syscall5, SYS_CALL, SYS_CLOSE, SYS_DUP, SYS_OPENAT, SYS_READ, SYS_WRITE};

static NAMESPACE: AtomicUsize = AtomicUsize::new(usize::MAX);

pub fn set_namespace(fd: usize) {
    NAMESPACE.store(fd, Ordering::Relaxed);
}

/// NsDup::IssueRegister of the namespace manager.
const ISSUE_REGISTER: u64 = 2;

// SAFETY of all below: the contracts are those of the system calls.

#[no_mangle]
unsafe extern "C" fn redox_open_v1(path: *const u8, size: usize, flags: u32, mode: u16) -> usize {
    let flags = flags as usize | usize::from(mode);
    let namespace = NAMESPACE.load(Ordering::Relaxed);
    Error::mux(syscall5(SYS_OPENAT, namespace, path as usize, size, flags, flags & O_FCNTL_MASK))
}

#[no_mangle]
unsafe extern "C" fn redox_dup_v1(fd: usize, name: *const u8, size: usize) -> usize {
    Error::mux(syscall3(SYS_DUP, fd, name as usize, size))
}

#[no_mangle]
unsafe extern "C" fn redox_read_v1(fd: usize, to: *mut u8, size: usize) -> usize {
    Error::mux(syscall3(SYS_READ, fd, to as usize, size))
}

#[no_mangle]
unsafe extern "C" fn redox_write_v1(fd: usize, from: *const u8, size: usize) -> usize {
    Error::mux(syscall3(SYS_WRITE, fd, from as usize, size))
}

#[no_mangle]
unsafe extern "C" fn redox_close_v1(fd: usize) -> usize {
    Error::mux(syscall::syscall1(SYS_CLOSE, fd))
}

#[no_mangle]
unsafe extern "C" fn redox_get_ns_v0() -> usize {
    NAMESPACE.load(Ordering::Relaxed)
}

#[no_mangle]
unsafe extern "C" fn redox_register_scheme_to_ns_v0(
    namespace: usize,
    name: *const u8,
    size: usize,
    capability: usize,
) -> usize {
    Error::mux(register(namespace, core::slice::from_raw_parts(name, size), capability))
}

fn register(namespace: usize, name: &[u8], capability: usize) -> Result<usize> {
    let mut request = [0; 64];
    let size = 8 + name.len();
    request[..8].copy_from_slice(&ISSUE_REGISTER.to_ne_bytes());
    request[8..size].copy_from_slice(name);
    let payload = capability.to_ne_bytes();
    let flags = (CallFlags::FD | CallFlags::WRITE).bits();
    // SAFETY: both buffers live until the calls return.
    unsafe {
        let registration = syscall3(SYS_DUP, namespace, request.as_ptr() as usize, size)?;
        let sent = syscall5(SYS_CALL, registration, payload.as_ptr() as usize, payload.len(), flags, 0);
        syscall::syscall1(SYS_CLOSE, registration)?;
        sent
    }
}

#[no_mangle]
unsafe extern "C" fn redox_strerror_v1(_: *mut u8, size: *mut usize, _: u32) -> usize {
    *size = 0;
    0
}

/// Hands out fresh memory and takes none back: the server lives as long as one test.
struct Pages;

unsafe impl GlobalAlloc for Pages {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        static END: AtomicUsize = AtomicUsize::new(0);
        const CHUNK: usize = 1 << 20;
        let align = |at: usize| (at + layout.align() - 1) & !(layout.align() - 1);
        let mut at = align(NEXT.load(Ordering::Relaxed));
        if at + layout.size() > END.load(Ordering::Relaxed) {
            let size = (layout.size() + layout.align() + CHUNK) & !4095;
            let map = Map { offset: 0, size, flags: MapFlags::PROT_READ | MapFlags::PROT_WRITE, address: 0 };
            let Ok(base) = syscall::fmap(usize::MAX, &map) else { return core::ptr::null_mut() };
            END.store(base + size, Ordering::Relaxed);
            at = align(base);
        }
        NEXT.store(at + layout.size(), Ordering::Relaxed);
        at as *mut u8
    }
    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static PAGES: Pages = Pages;
