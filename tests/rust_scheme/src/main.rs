//! A server of files in memory on redox-scheme, as /scheme/rust. It serves until it is killed;
//! tests/rust_scheme/client.cpp is its client.

#![no_std]
#![no_main]

extern crate alloc;

mod libc;
#[allow(dead_code)] // made for programs that look at their arguments
#[path = "../../rust_guest/src/runtime.rs"]
mod runtime;

use alloc::string::String;
use alloc::vec::Vec;

use redox_scheme::scheme::{register_sync_scheme, SchemeSync};
use redox_scheme::{CallerCtx, OpenResult, RequestKind, SignalBehavior, Socket};
use syscall::data::Stat;
use syscall::error::{Error, Result, EBADF, EISDIR, ENOENT};
use syscall::flag::{MODE_DIR, MODE_FILE, O_CREAT};
use syscall::schemev2::NewFdFlags;

struct File {
    name: String,
    bytes: Vec<u8>,
}

/// Handle 0 is the root, handle n + 1 is file n.
#[derive(Default)]
struct Files {
    files: Vec<File>,
    closed: usize,
}

impl Files {
    fn file(&mut self, id: usize) -> Result<&mut File> {
        let index = id.checked_sub(1).ok_or(Error::new(EISDIR))?;
        self.files.get_mut(index).ok_or(Error::new(EBADF))
    }
}

impl SchemeSync for Files {
    fn scheme_root(&mut self) -> Result<usize> {
        Ok(0)
    }
    fn openat(&mut self, _: usize, path: &str, flags: usize, _: u32, _: &CallerCtx) -> Result<OpenResult> {
        let opened = |number| Ok(OpenResult::ThisScheme { number, flags: NewFdFlags::POSITIONED });
        if path.is_empty() {
            return opened(0);
        }
        if let Some(index) = self.files.iter().position(|file| file.name == path) {
            return opened(index + 1);
        }
        if flags & O_CREAT == 0 {
            return Err(Error::new(ENOENT));
        }
        self.files.push(File { name: String::from(path), bytes: Vec::new() });
        opened(self.files.len())
    }
    fn read(&mut self, id: usize, buf: &mut [u8], offset: u64, _: u32, _: &CallerCtx) -> Result<usize> {
        let bytes = &self.file(id)?.bytes;
        let start = bytes.len().min(offset as usize);
        let count = buf.len().min(bytes.len() - start);
        buf[..count].copy_from_slice(&bytes[start..start + count]);
        Ok(count)
    }
    fn write(&mut self, id: usize, buf: &[u8], offset: u64, _: u32, _: &CallerCtx) -> Result<usize> {
        let bytes = &mut self.file(id)?.bytes;
        let end = offset as usize + buf.len();
        if bytes.len() < end {
            bytes.resize(end, 0);
        }
        bytes[offset as usize..end].copy_from_slice(buf);
        Ok(buf.len())
    }
    fn fsize(&mut self, id: usize, _: &CallerCtx) -> Result<u64> {
        Ok(self.file(id)?.bytes.len() as u64)
    }
    fn fstat(&mut self, id: usize, stat: &mut Stat, ctx: &CallerCtx) -> Result<()> {
        stat.st_uid = ctx.uid;
        if id == 0 {
            stat.st_mode = MODE_DIR | 0o755;
            return Ok(());
        }
        stat.st_mode = MODE_FILE | 0o644;
        stat.st_size = self.file(id)?.bytes.len() as u64;
        Ok(())
    }
    /// The payload backwards; returns how many handles were closed so far.
    fn call(&mut self, _: usize, payload: &mut [u8], _: &[u64], _: &CallerCtx) -> Result<usize> {
        payload.reverse();
        Ok(self.closed)
    }
    fn on_close(&mut self, _: usize) {
        self.closed += 1;
    }
}

fn serve() -> Result<()> {
    let socket = Socket::create()?;
    let mut files = Files::default();
    register_sync_scheme(&socket, "rust", &mut files)?;
    while let Some(request) = socket.next_request(SignalBehavior::Restart)? {
        match request.kind() {
            RequestKind::Call(call) => {
                let response = call.handle_sync(&mut files);
                socket.write_response(response, SignalBehavior::Restart)?;
            }
            RequestKind::OnClose { id } => files.on_close(id),
            _ => {}
        }
    }
    Ok(())
}

/// Called by `_start` with the initial stack pointer.
#[no_mangle]
unsafe extern "C" fn rust_start(stack: *const usize) -> ! {
    // SAFETY: `stack` is the initial stack as the loader built it.
    let start = unsafe { runtime::Start::read(stack) };
    libc::set_namespace(start.namespace);
    let failed = serve().is_err();
    runtime::exit(start.process, usize::from(failed));
}
