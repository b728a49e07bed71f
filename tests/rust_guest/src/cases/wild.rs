//! Arguments no sane program passes.

use syscall::{
    lseek, syscall1, syscall3, syscall5, EBADF, EFAULT, EINVAL, ENOSYS, PAGE_SIZE, SEEK_CUR, SYS_CLOSE, SYS_FSTAT,
    SYS_OPENAT, SYS_READ, SYS_WRITE,
};

use super::descriptors as tables;
use crate::runtime::Start;
use crate::tap::{fails, Outcome};

/// Addresses that are never a program's: zero page, the hole between the halves, the kernel's half, the very end.
const WILD: &[usize] = &[1, 0x0fff, 0x0000_8000_0000_0000, 0xffff_8000_0000_0000, usize::MAX - PAGE_SIZE + 1];

pub fn pointers(start: &Start) -> Outcome {
    let file = tables::uname(start)?;
    for &address in WILD {
        // SAFETY: nothing is mapped there.
        unsafe {
            fails("read", syscall3(SYS_READ, file.0, address, 16), EFAULT)?;
            fails("fstat", syscall3(SYS_FSTAT, file.0, address, 104), EFAULT)?;
            fails("write", syscall3(SYS_WRITE, 1, address, 16), EFAULT)?;
            fails("openat", syscall5(SYS_OPENAT, start.namespace, address, 16, 0, 0), EFAULT)?;
        }
    }
    Ok(())
}

pub fn numbers(_: &Start) -> Outcome {
    // Linux's read, close and exit_group, a Redox number with a bit too many, and nothing at all.
    for number in [0, 3, 231, SYS_CLOSE | 0x0100_0000, usize::MAX] {
        // SAFETY: none of them is a call.
        fails("an unknown number", unsafe { syscall1(number, usize::MAX) }, ENOSYS)?;
    }
    Ok(())
}

pub fn descriptors(_: &Start) -> Outcome {
    for fd in [9999, usize::MAX, 1 << 62 | 9999, 1 << 63] {
        fails("lseek", lseek(fd, 0, SEEK_CUR), EBADF)?;
        fails("close", syscall::close(fd), EBADF)?;
    }
    Ok(())
}

pub fn paths(start: &Start) -> Outcome {
    let path = [b'/', 0xff, 0xfe];
    // SAFETY: the path outlives the call.
    let result = unsafe { syscall5(SYS_OPENAT, start.namespace, path.as_ptr() as usize, path.len(), 0, 0) };
    fails("openat", result, EINVAL)
}
