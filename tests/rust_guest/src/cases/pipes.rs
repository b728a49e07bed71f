//! Pipes: opened through the namespace, the write end is a dup of the read end.

use syscall::{
    call_ro, dup, openat, read, sendfd, write, CallFlags, SendFdFlags, EAGAIN, EPIPE, O_CLOEXEC, O_NONBLOCK, O_RDONLY,
};

use super::files::Open;
use crate::runtime::Start;
use crate::tap::{equal, fails, holds, Failure, Named, Outcome};

/// Read end and write end.
pub fn pipe(start: &Start, flags: usize) -> Result<(Open, Open), Failure> {
    let reader =
        openat(start.namespace, "/scheme/pipe", O_RDONLY | O_CLOEXEC | flags, flags).map(Open).named("open")?;
    let writer = dup(reader.0, b"write").map(Open).named("dup write")?;
    Ok((reader, writer))
}

pub fn carry(start: &Start) -> Outcome {
    let (reader, writer) = pipe(start, 0)?;
    equal("written", write(writer.0, b"through the pipe").named("write")?, 16)?;
    let mut buffer = [0; 32];
    equal("a part", read(reader.0, &mut buffer[..7]).named("read")?, 7)?;
    equal("the rest", read(reader.0, &mut buffer[7..]).named("read")?, 9)?;
    holds("the bytes", &buffer[..16] == b"through the pipe")?;
    drop(writer);
    equal("the end", read(reader.0, &mut buffer).named("read")?, 0)
}

pub fn non_blocking(start: &Start) -> Outcome {
    let (reader, writer) = pipe(start, O_NONBLOCK)?;
    fails("an empty pipe", read(reader.0, &mut [0; 1]), EAGAIN)?;
    for _ in 0..1024 {
        match write(writer.0, &[0; 4096]) {
            Ok(_) => {}
            Err(error) => return equal("a full pipe", error.errno as usize, EAGAIN as usize),
        }
    }
    Err(Failure::Not("a pipe becomes full"))
}

pub fn broken(start: &Start) -> Outcome {
    let (reader, writer) = pipe(start, 0)?;
    drop(reader);
    fails("a write", write(writer.0, b"x"), EPIPE)
}

pub fn carry_descriptor(start: &Start) -> Outcome {
    let (reader, writer) = pipe(start, 0)?;
    let sent = Open(openat(start.namespace, "/scheme/sys/uname", O_RDONLY, 0).named("open of uname")?);
    sendfd(writer.0, sent.0, SendFdFlags::CLONE.bits(), 0).named("sendfd")?;
    let mut number = [0; 8];
    call_ro(reader.0, &mut number, CallFlags::FD, &[]).named("receiving call")?;
    let received = Open(usize::from_ne_bytes(number));
    holds("a new number", received.0 != sent.0)?;
    holds("it reads", read(received.0, &mut [0; 8]).named("read")? > 0)
}
