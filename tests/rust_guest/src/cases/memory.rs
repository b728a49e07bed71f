//! Mappings.

use core::slice;

use syscall::{
    fmap, funmap, lseek, mprotect, read, write, Map, MapFlags, EBADF, EEXIST, EFAULT, EINVAL, PAGE_SIZE, SEEK_SET,
};

use super::files::create;
use crate::runtime::Start;
use crate::tap::{equal, fails, holds, Failure, Named, Outcome};

const ANONYMOUS: usize = usize::MAX;

fn read_write() -> MapFlags {
    MapFlags::PROT_READ | MapFlags::PROT_WRITE
}

/// A mapping that goes at the end of a test.
struct Mapped {
    address: usize,
    size: usize,
}

impl Mapped {
    fn new(fd: usize, size: usize, flags: MapFlags, address: usize) -> syscall::Result<Self> {
        let map = Map { offset: 0, size, flags, address };
        // SAFETY: only this test uses what is mapped; fixed addresses are its own.
        unsafe { fmap(fd, &map) }.map(|address| Mapped { address, size })
    }

    fn anonymous(pages: usize) -> Result<Self, Failure> {
        Mapped::new(ANONYMOUS, pages * PAGE_SIZE, read_write() | MapFlags::MAP_PRIVATE, 0).named("anonymous fmap")
    }

    fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: mapped readable and writable by the tests that ask for it.
        unsafe { slice::from_raw_parts_mut(self.address as *mut u8, self.size) }
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // SAFETY: nothing refers to the mapping any more.
        let _ = unsafe { funmap(self.address, self.size) };
    }
}

/// Whether the byte at `address` can be read, asked without touching it.
fn readable(start: &Start, address: usize) -> Result<bool, Failure> {
    let (_reader, writer) = super::pipes::pipe(start, 0)?;
    // SAFETY: the byte is only named to the kernel.
    match write(writer.0, unsafe { slice::from_raw_parts(address as *const u8, 1) }) {
        Ok(_) => Ok(true),
        Err(error) if error.errno == EFAULT => Ok(false),
        Err(error) => Err(Failure::Error("write", error)),
    }
}

pub fn anonymous(start: &Start) -> Outcome {
    let mut map = Mapped::anonymous(4)?;
    equal("aligned", map.address % PAGE_SIZE, 0)?;
    holds("zero", map.bytes().iter().all(|&byte| byte == 0))?;
    map.bytes().fill(0x5a);
    // SAFETY: the range is ours.
    unsafe { mprotect(map.address, PAGE_SIZE, MapFlags::PROT_READ) }.named("mprotect")?;
    equal("kept", usize::from(map.bytes()[0]), 0x5a)?;
    let file = create(start, "plain")?;
    write(file.0, b"x").named("write")?;
    lseek(file.0, 0, SEEK_SET).named("lseek")?;
    fails("the kernel respects the protection", read(file.0, &mut map.bytes()[..1]), EFAULT)
}

pub fn split(start: &Start) -> Outcome {
    let mut map = Mapped::anonymous(3)?;
    map.bytes().fill(1);
    // SAFETY: the middle page is not used afterwards.
    unsafe { funmap(map.address + PAGE_SIZE, PAGE_SIZE) }.named("funmap")?;
    equal("the first page", usize::from(map.bytes()[PAGE_SIZE - 1]), 1)?;
    equal("the last page", usize::from(map.bytes()[2 * PAGE_SIZE]), 1)?;
    holds("the middle is gone", !readable(start, map.address + PAGE_SIZE)?)
}

pub fn fixed(_: &Start) -> Outcome {
    let mut map = Mapped::anonymous(2)?;
    map.bytes().fill(1);
    let flags = read_write() | MapFlags::MAP_PRIVATE;
    let refused = Mapped::new(ANONYMOUS, PAGE_SIZE, flags | MapFlags::MAP_FIXED_NOREPLACE, map.address);
    fails("without replacing", refused.map(|map| map.address), EEXIST)?;
    let second = Mapped::new(ANONYMOUS, PAGE_SIZE, flags | MapFlags::MAP_FIXED, map.address).named("MAP_FIXED")?;
    equal("its place", second.address, map.address)?;
    core::mem::forget(second);
    equal("replaced", usize::from(map.bytes()[0]), 0)?;
    equal("its neighbour", usize::from(map.bytes()[PAGE_SIZE]), 1)
}

pub fn shared_file(start: &Start) -> Outcome {
    let file = create(start, "plain")?;
    write(file.0, &[b'a'; 4096]).named("write")?;
    let mut map = Mapped::new(file.0, PAGE_SIZE, read_write() | MapFlags::MAP_SHARED, 0).named("fmap")?;
    equal("the file's byte", usize::from(map.bytes()[10]), usize::from(b'a'))?;
    map.bytes()[10] = b'z';
    lseek(file.0, 10, SEEK_SET).named("lseek")?;
    let mut byte = [0];
    read(file.0, &mut byte).named("read")?;
    equal("written through", usize::from(byte[0]), usize::from(b'z'))
}

pub fn private_file(start: &Start) -> Outcome {
    let file = create(start, "plain")?;
    write(file.0, b"abc").named("write")?;
    let mut map = Mapped::new(file.0, PAGE_SIZE, read_write() | MapFlags::MAP_PRIVATE, 0).named("fmap")?;
    equal("the file's byte", usize::from(map.bytes()[1]), usize::from(b'b'))?;
    equal("behind its end", usize::from(map.bytes()[3]), 0)?;
    map.bytes()[1] = b'z';
    lseek(file.0, 1, SEEK_SET).named("lseek")?;
    let mut byte = [0];
    read(file.0, &mut byte).named("read")?;
    equal("the file keeps its own", usize::from(byte[0]), usize::from(b'b'))
}

pub fn map_errors(_: &Start) -> Outcome {
    let flags = read_write() | MapFlags::MAP_PRIVATE;
    let map = |fd, size, flags, address| Mapped::new(fd, size, flags, address).map(|map| map.address);
    fails("no size", map(ANONYMOUS, 0, flags, 0), EINVAL)?;
    fails("an unaligned fixed address", map(ANONYMOUS, PAGE_SIZE, flags | MapFlags::MAP_FIXED, 0x10_0001), EINVAL)?;
    fails("an unknown descriptor", map(12345, PAGE_SIZE, flags, 0), EBADF)?;
    // SAFETY: refused.
    fails("an unaligned funmap", unsafe { funmap(0x10_0001, PAGE_SIZE) }, EINVAL)
}
