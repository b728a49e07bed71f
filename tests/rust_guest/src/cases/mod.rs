//! The tests, by what they are about.

mod descriptors;
mod directories;
mod events;
mod files;
mod memory;
mod pipes;
mod process;
mod threads;
mod time;
mod wild;

use crate::tap::Case;

pub const ALL: &[Case] = &[
    ("argv and auxv are there", process::start),
    ("uname says Redox", process::uname),
    ("the process descriptor reads as ProcMeta", process::meta),
    ("regs/env gives the thread's bases", process::environment_registers),
    ("a call preserves registers", process::registers_survive),
    ("a file keeps what is written", files::write_and_read),
    ("positioned reads and writes leave the offset alone", files::positioned),
    ("both ways to stat agree", files::stat_twice),
    ("truncate shortens and extends", files::truncate),
    ("append writes at the end", files::append),
    ("permissions and times can be set", files::metadata),
    ("the file system tells its size", files::file_system),
    ("errors of open", files::open_errors),
    ("access modes are kept", files::access_modes),
    ("fpath names the file", files::path),
    ("a directory lists its entries", directories::list),
    ("getdents goes on where it stopped", directories::list_in_parts),
    ("rename and link", directories::rename_and_link),
    ("a symbolic link can be read and followed", directories::symbolic_link),
    ("unlink and rmdir", directories::remove),
    ("an open file outlives its name", directories::unlinked_but_open),
    ("fcntl duplicates to the lowest free number", descriptors::duplicate),
    ("dup2 takes the place of another", descriptors::duplicate_to),
    ("the upper table has its own numbers", descriptors::upper_table),
    ("close-on-exec is a descriptor's own", descriptors::close_on_exec),
    ("duplicates share their offset", descriptors::shared_offset),
    ("a closed descriptor is EBADF", descriptors::closed),
    ("a pipe carries bytes and ends", pipes::carry),
    ("a pipe without data or room is EAGAIN", pipes::non_blocking),
    ("a pipe without a reader is EPIPE", pipes::broken),
    ("a pipe carries a descriptor", pipes::carry_descriptor),
    ("an event queue reports a pipe", events::pipe_readable),
    ("anonymous memory is zero and writable", memory::anonymous),
    ("a mapping splits when its middle goes", memory::split),
    ("fixed mappings replace or refuse", memory::fixed),
    ("a shared mapping of a file writes through", memory::shared_file),
    ("a private mapping of a file does not", memory::private_file),
    ("errors of fmap", memory::map_errors),
    ("clocks advance", time::clocks),
    ("nanosleep sleeps", time::sleep),
    ("the time scheme agrees with the clock", time::scheme),
    ("futex compares and wakes nobody", time::futex_alone),
    ("a thread runs, wakes its creator and dies", threads::run),
    ("wild pointers are EFAULT", wild::pointers),
    ("unknown calls are ENOSYS", wild::numbers),
    ("unknown descriptors are EBADF", wild::descriptors),
    ("paths that are no UTF-8 are EINVAL", wild::paths),
    ("nothing is left behind", directories::remove_all),
];

/// The directory the file tests work in; the last case removes it.
pub const FOLDER: &str = "/rust_guest.tmp";
