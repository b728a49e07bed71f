//! File tables.

use syscall::{
    close, dup, dup2, fcntl, lseek, read, EBADF, F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_GETFL, F_SETFD, F_SETFL,
    O_ACCMODE, O_CLOEXEC, O_NONBLOCK, O_RDONLY, SEEK_CUR, SEEK_SET, UPPER_FDTBL_TAG,
};

use super::files::Open;
use crate::runtime::Start;
use crate::tap::{equal, fails, holds, Failure, Named, Outcome};

pub fn uname(start: &Start) -> Result<Open, Failure> {
    syscall::openat(start.namespace, "/scheme/sys/uname", O_RDONLY, 0).map(Open).named("open of uname")
}

pub fn duplicate(start: &Start) -> Outcome {
    let file = uname(start)?;
    let next = Open(fcntl(file.0, F_DUPFD, 0).named("F_DUPFD")?);
    holds("a new number", next.0 != file.0)?;
    let high = Open(fcntl(file.0, F_DUPFD, 100).named("F_DUPFD 100")?);
    equal("the lowest from 100", high.0, 100)?;
    let higher = Open(fcntl(file.0, F_DUPFD, 100).named("F_DUPFD 100")?);
    equal("the next", higher.0, 101)?;
    close(next.0).named("close")?;
    let again = dup(file.0, b"").named("dup")?;
    core::mem::forget(next);
    close(again).named("close")?;
    Ok(())
}

pub fn duplicate_to(start: &Start) -> Outcome {
    let file = uname(start)?;
    equal("dup2", dup2(file.0, 200, b"").named("dup2")?, 200)?;
    let copy = Open(200);
    holds("it reads", read(copy.0, &mut [0; 8]).named("read")? > 0)?;
    fails("dup2 of nothing", dup2(300, 301, b""), EBADF)
}

pub fn upper_table(start: &Start) -> Outcome {
    let file = uname(start)?;
    let upper = Open(fcntl(file.0, F_DUPFD, UPPER_FDTBL_TAG).named("F_DUPFD upper")?);
    holds("the number carries the tag", upper.0 & UPPER_FDTBL_TAG != 0)?;
    holds("it reads", read(upper.0, &mut [0; 8]).named("read")? > 0)?;
    holds("the special descriptors are upper", start.process & start.thread & start.namespace & UPPER_FDTBL_TAG != 0)
}

pub fn close_on_exec(start: &Start) -> Outcome {
    let file = uname(start)?;
    equal("at first", fcntl(file.0, F_GETFD, 0).named("F_GETFD")? & O_CLOEXEC, 0)?;
    fcntl(file.0, F_SETFD, O_CLOEXEC).named("F_SETFD")?;
    equal("once set", fcntl(file.0, F_GETFD, 0).named("F_GETFD")? & O_CLOEXEC, O_CLOEXEC)?;
    let copy = Open(fcntl(file.0, F_DUPFD, 0).named("F_DUPFD")?);
    equal("not copied", fcntl(copy.0, F_GETFD, 0).named("F_GETFD")? & O_CLOEXEC, 0)?;
    let marked = Open(fcntl(copy.0, F_DUPFD_CLOEXEC, 0).named("F_DUPFD_CLOEXEC")?);
    equal("given at birth", fcntl(marked.0, F_GETFD, 0).named("F_GETFD")? & O_CLOEXEC, O_CLOEXEC)
}

pub fn shared_offset(start: &Start) -> Outcome {
    let file = uname(start)?;
    let copy = Open(dup(file.0, b"").named("dup")?);
    lseek(file.0, 3, SEEK_SET).named("lseek")?;
    equal("seen through the copy", lseek(copy.0, 0, SEEK_CUR).named("lseek")?, 3)?;
    fcntl(file.0, F_SETFL, O_NONBLOCK).named("F_SETFL")?;
    let flags = fcntl(copy.0, F_GETFL, 0).named("F_GETFL")?;
    equal("flags through the copy", flags & O_NONBLOCK, O_NONBLOCK)?;
    equal("the access mode stays", flags & O_ACCMODE, O_RDONLY)
}

pub fn closed(start: &Start) -> Outcome {
    let file = uname(start)?;
    let number = file.0;
    drop(file);
    fails("read", read(number, &mut [0; 1]), EBADF)?;
    fails("close", close(number), EBADF)?;
    fails("dup", dup(number, b""), EBADF)
}
