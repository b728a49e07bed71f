//! Names: directories, links, removal.

use syscall::dirent::DirentIter;
use syscall::{
    call_ro, flink, frename, fstat, openat, read, unlinkat, write, CallFlags, Stat, StdFsCallKind, StdFsCallMeta,
    AT_REMOVEDIR, EINVAL, EISDIR, ENOENT, ENOTDIR, ENOTEMPTY, MODE_DIR, MODE_TYPE, O_CREAT, O_DIRECTORY, O_RDONLY,
    O_STAT, O_SYMLINK, O_WRONLY,
};

use super::files::{create, folder, AlignedMeta, Open};
use super::FOLDER;
use crate::runtime::Start;
use crate::tap::{equal, fails, holds, Failure, Named, Outcome};

const HEADER_SIZE: u64 = 19;

fn getdents(directory: usize, buffer: &mut [u8], after: u64) -> syscall::Result<usize> {
    let meta = AlignedMeta(StdFsCallMeta::new(StdFsCallKind::Getdents, after, HEADER_SIZE));
    call_ro(directory, buffer, CallFlags::STD_FS, &meta.0)
}

/// A directory with the entries a, bb and ccc.
fn three_entries(start: &Start) -> Result<Open, Failure> {
    let folder = folder(start)?;
    let inner = openat(folder.0, "three", O_CREAT | O_DIRECTORY | O_RDONLY | 0o755, 0).map(Open).named("mkdir")?;
    for name in ["a", "bb", "ccc"] {
        drop(openat(inner.0, name, O_CREAT | O_WRONLY | 0o644, 0).map(Open).named("create")?);
    }
    drop(inner);
    openat(folder.0, "three", O_DIRECTORY | O_RDONLY, 0).map(Open).named("open of the directory")
}

/// The entries seen, a bit each for a, bb and ccc; another name or a second sight is an error.
fn mark(seen: &mut usize, name: &[u8]) -> Outcome {
    let bit = match name {
        b"a" => 1,
        b"bb" => 2,
        b"ccc" => 4,
        _ => return Err(Failure::Not("only the three names")),
    };
    holds("each name once", *seen & bit == 0)?;
    *seen |= bit;
    Ok(())
}

pub fn list(start: &Start) -> Outcome {
    let directory = three_entries(start)?;
    let mut stat = Stat::default();
    fstat(directory.0, &mut stat).named("fstat")?;
    equal("type", usize::from(stat.st_mode & MODE_TYPE), usize::from(MODE_DIR))?;
    let mut buffer = [0; 512];
    let count = getdents(directory.0, &mut buffer, 0).named("getdents")?;
    let mut seen = 0;
    for entry in DirentIter::new(&buffer[..count]) {
        let Ok((_, name)) = entry else { return Err(Failure::Not("well-formed records")) };
        mark(&mut seen, name)?;
    }
    equal("entries seen", seen, 7)
}

pub fn list_in_parts(start: &Start) -> Outcome {
    let directory = three_entries(start)?;
    fails("a buffer too small for any entry", getdents(directory.0, &mut [0; 20], 0), EINVAL)?;
    let mut seen = 0;
    let mut after = 0;
    for _ in 0..4 {
        // One entry fits, two never do.
        let mut buffer = [0; 24];
        let count = getdents(directory.0, &mut buffer, after).named("getdents")?;
        if count == 0 {
            return equal("entries seen", seen, 7);
        }
        let Some(Ok((header, name))) = DirentIter::new(&buffer[..count]).next() else {
            return Err(Failure::Not("a well-formed record"));
        };
        mark(&mut seen, name)?;
        after = header.next_opaque_id;
    }
    Err(Failure::Not("the listing ends"))
}

pub fn rename_and_link(start: &Start) -> Outcome {
    let file = create(start, "old")?;
    write(file.0, b"content").named("write")?;
    frename(file.0, "/scheme/file/rust_guest.tmp/new").named("frename")?;
    let folder = folder(start)?;
    fails("the old name", openat(folder.0, "old", O_RDONLY, 0), ENOENT)?;
    flink(file.0, "/scheme/file/rust_guest.tmp/second").named("flink")?;
    let mut stat = Stat::default();
    fstat(file.0, &mut stat).named("fstat")?;
    equal("links", stat.st_nlink as usize, 2)?;
    let linked = Open(openat(folder.0, "second", O_RDONLY, 0).named("open of the link")?);
    let mut buffer = [0; 16];
    equal("bytes through the link", read(linked.0, &mut buffer).named("read")?, 7)
}

pub fn symbolic_link(start: &Start) -> Outcome {
    let file = create(start, "target")?;
    write(file.0, b"pointed at").named("write")?;
    let folder = folder(start)?;
    let link = Open(openat(folder.0, "link", O_CREAT | O_WRONLY | O_SYMLINK | 0o777, 0).named("creating a link")?);
    write(link.0, b"target").named("write of the target")?;
    drop(link);
    let mut buffer = [0; 32];
    let link = Open(openat(folder.0, "link", O_RDONLY | O_SYMLINK, 0).named("open of the link itself")?);
    let count = read(link.0, &mut buffer).named("read of the link")?;
    holds("the link's text", &buffer[..count] == b"target")?;
    let followed = Open(openat(folder.0, "link", O_RDONLY, 0).named("open through the link")?);
    let count = read(followed.0, &mut buffer).named("read through the link")?;
    holds("the target's text", &buffer[..count] == b"pointed at")
}

pub fn unlinked_but_open(start: &Start) -> Outcome {
    let file = create(start, "short_lived")?;
    let folder = folder(start)?;
    unlinkat(folder.0, "short_lived", 0).named("unlinkat")?;
    fails("the name", openat(folder.0, "short_lived", O_STAT, 0), ENOENT)?;
    equal("still writable", write(file.0, b"abc").named("write")?, 3)?;
    Ok(())
}

pub fn remove(start: &Start) -> Outcome {
    drop(three_entries(start)?);
    let folder = folder(start)?;
    fails("unlink of a directory", unlinkat(folder.0, "three", 0), EISDIR)?;
    fails("rmdir of a file", unlinkat(folder.0, "three/a", AT_REMOVEDIR), ENOTDIR)?;
    fails("rmdir of a full directory", unlinkat(folder.0, "three", AT_REMOVEDIR), ENOTEMPTY)?;
    fails("unlink of nothing", unlinkat(folder.0, "three/d", 0), ENOENT)?;
    for name in ["three/a", "three/bb", "three/ccc"] {
        unlinkat(folder.0, name, 0).named("unlinkat")?;
    }
    unlinkat(folder.0, "three", AT_REMOVEDIR).named("rmdir")?;
    fails("the name", openat(folder.0, "three", O_STAT, 0), ENOENT)
}

/// Removes everything that stands in the folder, then the folder.
pub fn remove_all(start: &Start) -> Outcome {
    let folder = folder(start)?;
    let mut buffer = [0; 1024];
    let count = getdents(folder.0, &mut buffer, 0).named("getdents")?;
    for entry in DirentIter::new(&buffer[..count]) {
        let Ok((_, name)) = entry else { return Err(Failure::Not("well-formed records")) };
        let Ok(name) = core::str::from_utf8(name) else { return Err(Failure::Not("a name in UTF-8")) };
        unlinkat(folder.0, name, 0).named("unlinkat")?;
    }
    drop(folder);
    unlinkat(start.namespace, FOLDER, AT_REMOVEDIR).named("rmdir of the folder")?;
    fails("the name", openat(start.namespace, FOLDER, O_STAT, 0), ENOENT)
}
