#pragma once

// The structs a call reads or writes through a pointer. Names and fields are Rust's; sizes and offsets are
// asserted in layout_checks.cpp against layout.def. Padding is part of the wire image: zero a struct before
// it goes to a guest. Source: redox_syscall 0.7.4, src/data.rs. Register sets are in regs.h, signal pages in
// sigabi.h, ptrace in ptrace.h, scheme messages in scheme_msg.h, directory entries in dirent.h.

#include <cstddef>
#include <cstdint>

#include "abi/flags.h"
#include "abi/regs.h"

namespace halfcell::abi {

// One readiness report, and one registration, of the event scheme.
struct Event {
    std::uint64_t id;
    std::uint64_t flags;  // EventFlags
    std::uint64_t data;
};

// Members called _padding fill what Rust leaves unnamed, so that structs travel to guests byte by byte
// without carrying what lay on a stack.

struct TimeSpec {
    std::int64_t tv_sec;
    std::int32_t tv_nsec;
    std::uint32_t _padding = 0;
};

struct ITimerSpec {
    TimeSpec it_interval;
    TimeSpec it_value;
};

// fmap's argument.
struct Map {
    std::uint64_t offset;
    std::uint64_t size;
    std::uint64_t flags;  // MapFlags
    std::uint64_t address;
};

// fmap's argument before it had an address; the kernel no longer takes it.
struct OldMap {
    std::uint64_t offset;
    std::uint64_t size;
    std::uint64_t flags;
};

// The seconds are st_mtime, st_atime and st_ctime in Rust; <sys/stat.h> makes macros of those names.
struct Stat {
    std::uint64_t st_dev;
    std::uint64_t st_ino;
    std::uint16_t st_mode;  // Mode
    std::uint16_t _padding_mode;
    std::uint32_t st_nlink;
    std::uint32_t st_uid;
    std::uint32_t st_gid;
    std::uint64_t st_size;
    std::uint32_t st_blksize;
    std::uint32_t _padding_blksize;
    std::uint64_t st_blocks;
    std::uint64_t st_mtime_sec;
    std::uint32_t st_mtime_nsec;
    std::uint32_t _padding_mtime_nsec;
    std::uint64_t st_atime_sec;
    std::uint32_t st_atime_nsec;
    std::uint32_t _padding_atime_nsec;
    std::uint64_t st_ctime_sec;
    std::uint32_t st_ctime_nsec;
    std::uint32_t _padding_ctime_nsec;
};

struct StatVfs {
    std::uint32_t f_bsize;
    std::uint32_t _padding;
    std::uint64_t f_blocks;
    std::uint64_t f_bfree;
    std::uint64_t f_bavail;
};

// The metadata words of a SYS_CALL with CallFlags::kStdFs.
struct [[gnu::packed]] StdFsCallMeta {
    std::uint8_t kind;  // StdFsCallKind
    std::uint8_t _rsvd[7];
    std::uint64_t arg1;
    std::uint64_t arg2;
};

// One row of an address-space handle.
struct GrantDesc {
    std::uint64_t base;
    std::uint64_t size;
    std::uint64_t flags;  // GrantFlags
    std::uint64_t offset;
};

// What is written to a "sighandler" handle.
struct SetSighandlerData {
    std::uint64_t user_handler;
    std::uint64_t excp_handler;
    std::uint64_t thread_control_addr;
    std::uint64_t proc_control_addr;
};

// What the process manager tells the kernel about a context.
struct ProcSchemeAttrs {
    std::uint32_t pid;
    std::uint32_t euid;
    std::uint32_t egid;
    std::uint32_t prio;
    std::uint8_t debug_name[32];
};

// What a read of a "status" handle gives.
struct CtxtStsBuf {
    std::uint64_t status;  // ContextStatus
    Exception excp;
};

// What a scheme server writes to get a descriptor for one of its handles.
struct NewFdParams {
    std::uint64_t offset;
    std::uint64_t number;
    std::uint64_t flags;
    std::uint8_t internal_flags;  // NewFdFlags
};

// One entry of the list of kernel schemes in the metadata area.
struct KernelSchemeInfo {
    std::uint8_t scheme_id;  // GlobalSchemes
    std::uint64_t fd;
};

}  // namespace halfcell::abi
