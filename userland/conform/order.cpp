// Which of several mistakes a call answers for. Everything here is closed, out of range, or both.

#include "userland/conform/areas.h"
#include "userland/conform/objects.h"

namespace halfcell::userland::conform {
namespace {

using enum Errno;

alignas(4096) char buffer[8192];

uint64_t odd(uint64_t number, uint64_t b = 0, uint64_t c = 0, uint64_t d = 0, uint64_t e = 0) {
    return sc(number, kClosed, b, c, d, e);
}

constexpr Probe kProbes[] = {
    {"read-write", "kernel:src/syscall/fs.rs sys_read",
     [] {
         EXPECT(odd(abi::SYS_READ, kUserEnd, 1), kEFAULT);
         EXPECT(odd(abi::SYS_WRITE, kUserEnd, 1), kEFAULT);
         EXPECT(odd(abi::SYS_READ, 0, 5), kEBADF);
         EXPECT(odd(abi::SYS_READ, kUserEnd - 8, 7), kEBADF);
     }},
    {"read2-write2", "kernel:src/syscall/mod.rs syscall",
     [] {
         EXPECT(odd(abi::SYS_READ2, kUserEnd, 1, kAll, kAll), kEBADF);
         EXPECT(odd(abi::SYS_WRITE2, kUserEnd, 1, kAll, kAll), kEBADF);
         const uint64_t file = open_sys("uname");
         EXPECT(read2(file, kUserEnd, 5, 0, 4), kEINVAL);
         EXPECT(read2(file, kUserEnd, 5, 0, 3), kEFAULT);
     }},
    {"fstat", "kernel:src/syscall/fs.rs fstat", [] { EXPECT(odd(abi::SYS_FSTAT, kUserEnd, 104), kEFAULT); }},
    {"fstatvfs", "kernel:src/syscall/mod.rs syscall",
     [] { EXPECT(odd(abi::SYS_FSTATVFS, kUserEnd, 32), kEBADF); }},
    {"fpath", "kernel:src/syscall/mod.rs syscall", [] { EXPECT(odd(abi::SYS_FPATH, kUserEnd, 10), kEBADF); }},
    {"openat", "kernel:src/syscall/fs.rs openat",
     [] {
         EXPECT(odd(abi::SYS_OPENAT, kUserEnd, 1), kEFAULT);
         EXPECT(sc(abi::SYS_OPENAT, kClosed, buffer, 4097, 0, 0), kENAMETOOLONG);
         EXPECT(sc(abi::SYS_OPENAT, kClosed, "\xff\xfe", 2, 0, 0), kEINVAL);
         EXPECT(sc(abi::SYS_OPENAT, kClosed, "x", 1, 0, 0), kEBADF);
         EXPECT(sc(abi::SYS_OPENAT, kClosed, kNowhere, 4097, 0, 0), kENAMETOOLONG);
         EXPECT(sc(abi::SYS_OPENAT, kClosed, kNowhere, 3, 0, 0), kEFAULT);
     }},
    {"unlinkat", "kernel:src/syscall/fs.rs unlinkat",
     [] {
         EXPECT(odd(abi::SYS_UNLINKAT, kUserEnd, 4), kEFAULT);
         EXPECT(sc(abi::SYS_UNLINKAT, kClosed, buffer, 4097, 0), kENAMETOOLONG);
         EXPECT(sc(abi::SYS_UNLINKAT, kClosed, "x", 1, 0), kEBADF);
     }},
    {"futimens", "kernel:src/syscall/mod.rs syscall",
     [] { EXPECT(odd(abi::SYS_FUTIMENS, kUserEnd, 32), kEBADF); }},
    {"getdents", "kernel:src/syscall/mod.rs syscall",
     [] {
         EXPECT(odd(abi::SYS_GETDENTS, kUserEnd, 10, 19), kEBADF);
         EXPECT(odd(abi::SYS_GETDENTS, kUserEnd, 10, 18), kEINVAL);
         EXPECT(odd(abi::SYS_GETDENTS, kUserEnd, 10, 20), kEINVAL);
         EXPECT(odd(abi::SYS_GETDENTS, kUserEnd, 10, 70000), kEINVAL);
     }},
    {"call", "kernel:src/syscall/fs.rs call",
     [] {
         EXPECT(odd(abi::SYS_CALL, kUserEnd, 8, uint64_t{1} << 17), kEFAULT);
         EXPECT(odd(abi::SYS_CALL, 0, 0, uint64_t{1} << 17 | 1, kUserEnd), kEINVAL);
         EXPECT(odd(abi::SYS_CALL, 0, 0, 1, kUserEnd), kEFAULT);
         EXPECT(odd(abi::SYS_CALL, 0, 0, 0), kEBADF);
     }},
    {"flink-frename", "kernel:src/syscall/fs.rs frename",
     [] {
         EXPECT(odd(abi::SYS_FLINK, kUserEnd, 5), kEFAULT);
         EXPECT(odd(abi::SYS_FRENAME, kUserEnd, 5), kEFAULT);
         EXPECT(sc(abi::SYS_FRENAME, kClosed, "nocolon", 7), kEBADF);
         EXPECT(sc(abi::SYS_FLINK, kClosed, buffer, 4097), kEBADF);
     }},
    {"fmap", "kernel:src/syscall/mod.rs syscall",
     [] {
         EXPECT(odd(abi::SYS_FMAP, kUserEnd, 32), kEFAULT);
         EXPECT(odd(abi::SYS_FMAP, as_word(buffer), 31), kEINVAL);
         EXPECT(odd(abi::SYS_FMAP, kNowhere, 32), kEFAULT);
         EXPECT(odd(abi::SYS_FMAP, as_word(buffer), 32), kEBADF);
     }},
    {"sendfd", "kernel:src/syscall/fs.rs sendfd",
     [] {
         EXPECT(sendfd(kClosed, kClosed, 4), kEINVAL);
         EXPECT(sendfd(kClosed, kClosed, 0), kEBADF);
         EXPECT(sendfd(open_pipe().writer, 70000, 0), kEMFILE);
     }},
    {"clock-gettime", "kernel:src/syscall/time.rs clock_gettime",
     [] {
         EXPECT(sc(abi::SYS_CLOCK_GETTIME, 77, kUserEnd), kEFAULT);
         EXPECT(sc(abi::SYS_CLOCK_GETTIME, 77, kNowhere), kEINVAL);
         EXPECT(sc(abi::SYS_CLOCK_GETTIME, 4, kNowhere), kEFAULT);
     }},
    {"nanosleep", "kernel:src/syscall/time.rs nanosleep",
     [] {
         const abi::TimeSpec wrong{-1, 0};
         EXPECT(sc(abi::SYS_NANOSLEEP, kUserEnd, 0), kEFAULT);
         EXPECT(sc(abi::SYS_NANOSLEEP, &wrong, kUserEnd), kEFAULT);
         EXPECT(sc(abi::SYS_NANOSLEEP, kNowhere, 0), kEFAULT);
         EXPECT(sc(abi::SYS_NANOSLEEP, &wrong, kNowhere), kEINVAL);
     }},
    {"closed-descriptors", "kernel:src/syscall/fs.rs file_op_generic",
     [] {
         EXPECT(odd(abi::SYS_FEVENT, 1), kEBADF);
         EXPECT(odd(abi::SYS_FSYNC), kEBADF);
         EXPECT(odd(abi::SYS_FTRUNCATE), kEBADF);
         EXPECT(odd(abi::SYS_FCHMOD), kEBADF);
         EXPECT(odd(abi::SYS_FCHOWN), kEBADF);
         EXPECT(odd(abi::SYS_LSEEK, 0, 3), kEBADF);
     }},
    {"buffer-at-the-end", "kernel:src/syscall/usercopy.rs UserSlice::new",
     [] {
         const PipeEnds pipe = open_pipe();
         EXPECT(read(pipe.reader, kUserEnd - 8, 8), kEFAULT);
         EXPECT(read(pipe.reader, kUserEnd, 0), kEFAULT);
         EXPECT(read(pipe.reader, kAll, 2), kEFAULT);
         EXPECT(read(pipe.reader, 0x1000, kAll), kEFAULT);
         EXPECT(write(pipe.writer, kUserEnd - kPage, kPage), kEFAULT);
     }},
    {"null-buffer", "kernel:src/syscall/usercopy.rs UserSlice::new",
     [] {
         const PipeEnds pipe = open_pipe();
         EXPECT(write(pipe.writer, 0, 0), 0);
         EXPECT(write(pipe.writer, 0, 5), kEFAULT);
         EXPECT(write(pipe.writer, kNowhere, 5), kEFAULT);
     }},
    {"path-length", "kernel:src/syscall/fs.rs copy_path_to_buf",
     [] {
         const uint64_t base = open_sys("");
         for (char& c : buffer)
             c = 'a';
         EXPECT(sc(abi::SYS_OPENAT, base, buffer, 4097, 0, 0), kENAMETOOLONG);
         EXPECT(sc(abi::SYS_OPENAT, base, buffer, 4096, 0, 0), kENOENT);
         EXPECT(sc(abi::SYS_OPENAT, base, "\xff\xfe", 2, 0, 0), kEINVAL);
         EXPECT(sc(abi::SYS_OPENAT, base, "\xed\xa0\x80", 3, 0, 0), kEINVAL);
         EXPECT(sc(abi::SYS_OPENAT, base, "a\0b", 3, 0, 0), kENOENT);
     }},
};

}  // namespace

Area order_area() {
    return {"order", "which of several mistakes is answered for", kProbes};
}

}  // namespace halfcell::userland::conform
