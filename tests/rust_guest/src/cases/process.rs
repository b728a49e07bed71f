//! What a program has from its start: arguments, the process descriptor, the thread's registers.

use syscall::{dup, openat, read, EnvRegisters, EBADF, O_RDONLY};

use super::files::Open;
use crate::runtime::Start;
use crate::tap::{equal, fails, holds, Named, Outcome};

const META_SIZE: usize = 44;

pub fn start(start: &Start) -> Outcome {
    holds("an argument", start.argument_count >= 1)?;
    for fd in [start.process, start.thread, start.namespace, start.directory] {
        holds("a descriptor for each key", fd != usize::MAX)?;
    }
    Ok(())
}

pub fn uname(start: &Start) -> Outcome {
    let file = Open(openat(start.namespace, "/scheme/sys/uname", O_RDONLY, 0).named("open")?);
    let mut text = [0; 256];
    let count = read(file.0, &mut text).named("read")?;
    holds("the first line", text[..count].starts_with(b"Redox\n"))
}

pub fn meta(start: &Start) -> Outcome {
    let mut words = [0; META_SIZE];
    equal("its size", read(start.process, &mut words).named("read")?, META_SIZE)?;
    holds("a pid", words[..4] != [0; 4])?;
    let first = words;
    equal("again from the start", read(start.process, &mut words).named("read")?, META_SIZE)?;
    holds("the same", first == words)?;
    fails("a short buffer", read(start.process, &mut words[..META_SIZE - 1]), EBADF)
}

pub fn environment_registers(start: &Start) -> Outcome {
    let handle = Open(dup(start.thread, b"regs/env").named("dup regs/env")?);
    let mut registers = EnvRegisters { fsbase: 1, gsbase: 1 };
    equal("its size", read(handle.0, &mut registers).named("read")?, 16)?;
    let fsbase = registers.fsbase;
    equal("the FS base of a fresh image", fsbase as usize, 0)?;

    let base = 0x1234_5000_usize;
    let handle = Open(dup(start.thread, b"regs/env").named("dup regs/env")?);
    let wanted = EnvRegisters { fsbase: base as u64, gsbase: 0 };
    equal("written", syscall::write(handle.0, &wanted).named("write")?, 16)?;
    drop(handle);
    let handle = Open(dup(start.thread, b"regs/env").named("dup regs/env")?);
    equal("its size", read(handle.0, &mut registers).named("read")?, 16)?;
    let fsbase = registers.fsbase;
    equal("the FS base set", fsbase as usize, base)
}

/// Fills registers that a call may not touch, yields, and looks at them.
pub fn registers_survive(_: &Start) -> Outcome {
    let mut registers = [0x1111_usize, 0x2222, 0x3333, 0x4444, 0x5555, 0x6666, 0x7777, 0x8888];
    let before = registers;
    let mut vector = 0x0123_4567_89ab_cdef_u64;
    // SAFETY: yield touches nothing but rax, rcx and r11.
    unsafe {
        core::arch::asm!(
            "movq xmm7, {vector}",
            "syscall",
            "movq {vector}, xmm7",
            vector = inout(reg) vector,
            inout("rax") syscall::SYS_YIELD => _,
            inout("rdi") registers[0],
            inout("rsi") registers[1],
            inout("rdx") registers[2],
            inout("r8") registers[3],
            inout("r9") registers[4],
            inout("r10") registers[5],
            inout("r12") registers[6],
            inout("r13") registers[7],
            out("rcx") _,
            out("r11") _,
            out("xmm7") _,
            options(nostack),
        );
    }
    holds("the integer registers", registers == before)?;
    equal("a vector register", vector as usize, 0x0123_4567_89ab_cdef)
}
