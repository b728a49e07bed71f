//! Regular files.

use syscall::{
    call_ro, fchmod, fpath, fstat, fstatvfs, fsync, ftruncate, futimens, lseek, openat, read, syscall5, write,
    CallFlags, Stat, StatVfs, StdFsCallKind, StdFsCallMeta, TimeSpec, EBADF, EEXIST, ENODEV, ENOENT, ENOTDIR,
    MODE_FILE, MODE_PERM, MODE_TYPE, O_APPEND, O_CLOEXEC, O_CREAT, O_DIRECTORY, O_EXCL, O_RDONLY, O_RDWR, O_TRUNC,
    O_WRONLY, SEEK_CUR, SEEK_END, SEEK_SET, SYS_READ2, SYS_WRITE2,
};

use super::FOLDER;
use crate::runtime::Start;
use crate::tap::{equal, fails, holds, Failure, Named, Outcome};

/// A descriptor that is closed at the end of a test.
pub struct Open(pub usize);

impl Drop for Open {
    fn drop(&mut self) {
        let _ = syscall::close(self.0);
    }
}

/// A metadata block, aligned as the crate's view of it as words needs.
#[repr(align(8))]
pub struct AlignedMeta(pub StdFsCallMeta);

pub fn folder(start: &Start) -> Result<Open, Failure> {
    let flags = O_CREAT | O_DIRECTORY | O_RDONLY | O_CLOEXEC | 0o755;
    openat(start.namespace, FOLDER, flags, 0).map(Open).named("open of the folder")
}

/// A new empty file of that name in the folder.
pub fn create(start: &Start, name: &str) -> Result<Open, Failure> {
    let folder = folder(start)?;
    openat(folder.0, name, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC | 0o644, 0).map(Open).named("creating open")
}

pub fn write_and_read(start: &Start) -> Outcome {
    let file = create(start, "plain")?;
    let text = b"half a cell is better than none";
    equal("written", write(file.0, text).named("write")?, text.len())?;
    equal("offset after write", lseek(file.0, 0, SEEK_CUR).named("lseek")?, text.len())?;
    equal("offset from the end", lseek(file.0, -4, SEEK_END).named("lseek")?, text.len() - 4)?;
    let mut buffer = [0; 64];
    equal("read at the end", read(file.0, &mut buffer).named("read")?, 4)?;
    holds("the last bytes", &buffer[..4] == b"none")?;
    equal("read behind the end", read(file.0, &mut buffer).named("read")?, 0)?;
    lseek(file.0, 0, SEEK_SET).named("lseek")?;
    equal("read from the start", read(file.0, &mut buffer).named("read")?, text.len())?;
    holds("the bytes", &buffer[..text.len()] == text)
}

pub fn positioned(start: &Start) -> Outcome {
    let file = create(start, "positioned")?;
    write(file.0, b"0123456789").named("write")?;
    let text = b"abc";
    // SAFETY: the buffers outlive the calls.
    let written = unsafe { syscall5(SYS_WRITE2, file.0, text.as_ptr() as usize, text.len(), 4, usize::MAX) };
    equal("written at 4", written.named("write2")?, 3)?;
    let mut buffer = [0u8; 5];
    // SAFETY: as above.
    let count = unsafe { syscall5(SYS_READ2, file.0, buffer.as_mut_ptr() as usize, buffer.len(), 3, usize::MAX) };
    equal("read at 3", count.named("read2")?, 5)?;
    holds("the bytes around", &buffer == b"3abc7")?;
    equal("the offset", lseek(file.0, 0, SEEK_CUR).named("lseek")?, 10)
}

pub fn stat_twice(start: &Start) -> Outcome {
    let file = create(start, "stat")?;
    write(file.0, &[7; 1000]).named("write")?;
    let mut by_number = Stat::default();
    fstat(file.0, &mut by_number).named("fstat")?;
    let mut by_kind = Stat::default();
    let meta = AlignedMeta(StdFsCallMeta::new(StdFsCallKind::Fstat, 0, 0));
    call_ro(file.0, &mut by_kind, CallFlags::STD_FS, &meta.0).named("STD_FS fstat")?;
    equal("size", by_number.st_size as usize, 1000)?;
    equal("type", usize::from(by_number.st_mode & MODE_TYPE), usize::from(MODE_FILE))?;
    equal("links", by_number.st_nlink as usize, 1)?;
    // The kernel puts the scheme's id into st_dev on the one way only.
    by_kind.st_dev = by_number.st_dev;
    holds("both answers are equal", by_kind == by_number)
}

pub fn truncate(start: &Start) -> Outcome {
    let file = create(start, "truncate")?;
    write(file.0, b"0123456789").named("write")?;
    ftruncate(file.0, 4).named("ftruncate")?;
    equal("shorter", lseek(file.0, 0, SEEK_END).named("lseek")?, 4)?;
    ftruncate(file.0, 8).named("ftruncate")?;
    lseek(file.0, 0, SEEK_SET).named("lseek")?;
    let mut buffer = [0xff; 16];
    equal("longer", read(file.0, &mut buffer).named("read")?, 8)?;
    holds("zeroes fill the gap", &buffer[..8] == b"0123\0\0\0\0")
}

pub fn append(start: &Start) -> Outcome {
    drop(create(start, "append")?);
    let folder = folder(start)?;
    let file = Open(openat(folder.0, "append", O_WRONLY | O_APPEND, O_APPEND).named("open")?);
    write(file.0, b"one").named("write")?;
    lseek(file.0, 0, SEEK_SET).named("lseek")?;
    write(file.0, b"two").named("write")?;
    equal("both are there", lseek(file.0, 0, SEEK_END).named("lseek")?, 6)
}

pub fn metadata(start: &Start) -> Outcome {
    let file = create(start, "metadata")?;
    fchmod(file.0, 0o640).named("fchmod")?;
    let times = [TimeSpec { tv_sec: 1_000_000_000, tv_nsec: 5 }, TimeSpec { tv_sec: 1_100_000_000, tv_nsec: 6 }];
    futimens(file.0, &times).named("futimens")?;
    fsync(file.0).named("fsync")?;
    let mut stat = Stat::default();
    fstat(file.0, &mut stat).named("fstat")?;
    equal("permissions", usize::from(stat.st_mode & MODE_PERM), 0o640)?;
    equal("access time", stat.st_atime as usize, 1_000_000_000)?;
    equal("access time, nanoseconds", stat.st_atime_nsec as usize, 5)?;
    equal("change of content", stat.st_mtime as usize, 1_100_000_000)?;
    equal("change of content, nanoseconds", stat.st_mtime_nsec as usize, 6)
}

pub fn file_system(start: &Start) -> Outcome {
    let file = create(start, "statvfs")?;
    let mut sizes = StatVfs::default();
    fstatvfs(file.0, &mut sizes).named("fstatvfs")?;
    holds("a block has a size", sizes.f_bsize > 0)?;
    holds("no more free than there is", sizes.f_bavail <= sizes.f_bfree && sizes.f_bfree <= sizes.f_blocks)
}

pub fn open_errors(start: &Start) -> Outcome {
    drop(create(start, "here")?);
    let folder = folder(start)?;
    fails("a missing file", openat(folder.0, "not_here", O_RDONLY, 0), ENOENT)?;
    fails("an existing file, exclusively", openat(folder.0, "here", O_CREAT | O_EXCL | O_RDWR, 0), EEXIST)?;
    fails("a file as directory", openat(folder.0, "here", O_RDONLY | O_DIRECTORY, 0), ENOTDIR)?;
    fails("a path through a file", openat(folder.0, "here/there", O_RDONLY, 0), ENOTDIR)?;
    fails("an unknown scheme", openat(start.namespace, "/scheme/no_such_scheme/x", O_RDONLY, 0), ENODEV)
}

pub fn access_modes(start: &Start) -> Outcome {
    drop(create(start, "modes")?);
    let folder = folder(start)?;
    let reader = Open(openat(folder.0, "modes", O_RDONLY, 0).named("open")?);
    fails("a write without write access", write(reader.0, b"x"), EBADF)?;
    let writer = Open(openat(folder.0, "modes", O_WRONLY, 0).named("open")?);
    fails("a read without read access", read(writer.0, &mut [0; 1]), EBADF)
}

pub fn path(start: &Start) -> Outcome {
    let file = create(start, "path")?;
    let mut buffer = [0; 128];
    let count = fpath(file.0, &mut buffer).named("fpath")?;
    holds("the path", &buffer[..count] == b"/scheme/file/rust_guest.tmp/path")
}
