// Descriptors: dup, dup2, close and fcntl.

#include <algorithm>

#include "userland/conform/areas.h"
#include "userland/conform/objects.h"

namespace halfcell::userland::conform {
namespace {

using enum Errno;

constexpr uint64_t kLast = 65535;  // CONTEXT_MAX_FILES - 1
char buffer[64];

// Doubles this context's descriptors by sending copies of them to itself, as one at a time takes long.
void nearly_fill_table() {
    static std::array<uint64_t, 2 * (kLast + 1)> numbers;
    uint64_t count = 1;
    numbers[0] = OK(dup(0));
    for (uint64_t step = kLast / 2; step >= 16;) {
        const PipeEnds pipe = open_pipe();
        const uint64_t some = std::min(step, count);
        EXPECT(call(pipe.writer, numbers.data(), 8 * some, Call::kFd | Call::kWrite | Call::kFdClone), some);
        const uint64_t taken = call(pipe.reader, &numbers[count], 8 * some, Call::kFd | Call::kRead);
        if (abi::demux_errno(taken) == 0)
            count += taken;
        else
            step = some / 2;
        EXPECT(close(pipe.reader), 0);
        EXPECT(close(pipe.writer), 0);
    }
}

constexpr Probe kDupProbes[] = {
    {"dup-shares-offset", "kernel:src/syscall/fs.rs duplicate_file",
     [] {
         const uint64_t file = open_sys("uname");
         const uint64_t copy = OK(dup(file));
         EXPECT(lseek(copy, 3, 0), 3);
         EXPECT(lseek(file, 0, 1), 3);
     }},
    {"dup-lowest-free", "kernel:src/context/context.rs FdTbl::add_file",
     [] {
         const uint64_t first = OK(dup(0));
         const uint64_t second = OK(dup(0));
         EXPECT(close(first), 0);
         EXPECT(dup(second), first);
     }},
    {"dup-forgets-cloexec", "kernel:src/syscall/fs.rs dup",
     [] {
         const uint64_t file = open_sys("uname", Open::kRdonly | Open::kCloexec);
         EXPECT(fcntl(file, Fcntl::kGetfd), Open::kCloexec);
         EXPECT(fcntl(OK(dup(file)), Fcntl::kGetfd), 0);
     }},
    {"dup-closed", "kernel:src/syscall/fs.rs duplicate_file",
     [] {
         EXPECT(dup(kClosed), kEBADF);
         EXPECT(dup(kClosed, "name"), kEBADF);
         EXPECT(dup(kAll), kEBADF);
         EXPECT(dup(uint64_t{1} << 63), kEBADF);
     }},
    {"dup-range-before-descriptor", "kernel:src/syscall/fs.rs dup",
     [] { EXPECT(sc(abi::SYS_DUP, kClosed, kUserEnd, 1), kEFAULT); }},
    {"dup-name-not-supported", "kernel:src/scheme/mod.rs KernelScheme::kdup",
     [] { EXPECT(dup(open_sys("uname"), "x"), kEOPNOTSUPP); }},
    {"dup-upper-goes-lower", "kernel:src/syscall/fs.rs dup",
     [] {
         const uint64_t upper = OK(fcntl(0, Fcntl::kDupfd, kTag));
         EXPECT_TRUE(OK(dup(upper)) < kTag);
     }},
    {"dup2-onto-itself", "kernel:src/syscall/fs.rs dup2",
     [] {
         EXPECT(dup2(0, 0), 0);
         EXPECT(dup2(kClosed, kClosed), kClosed);
     }},
    {"dup2-onto-itself-checks-range", "kernel:src/syscall/fs.rs dup2",
     [] {
         EXPECT(sc(abi::SYS_DUP2, 50, 50, kUserEnd, 0), kEFAULT);
         EXPECT(sc(abi::SYS_DUP2, 50, 50, 0x1000, 5), 50);
     }},
    {"dup2-minus-one", "syscall:src/error.rs Error::demux", [] { EXPECT(dup2(kAll, kAll), kEPERM); }},
    {"dup2-closes-target-first", "kernel:src/syscall/fs.rs dup2",
     [] {
         const uint64_t target = OK(dup(0));
         EXPECT(dup2(kClosed, target), kEBADF);
         EXPECT(fcntl(target, Fcntl::kGetfd), kEBADF);
     }},
    {"dup2-chosen-number", "kernel:src/syscall/fs.rs dup2",
     [] {
         EXPECT(dup2(0, 400), 400);
         EXPECT(close(400), 0);
         EXPECT(close(400), kEBADF);
     }},
    {"dup2-forgets-cloexec", "kernel:src/syscall/fs.rs dup2",
     [] {
         EXPECT(fcntl(0, Fcntl::kDupfdCloexec, 300), 300);
         EXPECT(dup2(0, 300), 300);
         EXPECT(fcntl(300, Fcntl::kGetfd), 0);
     }},
    {"dup2-limit", "kernel:src/context/context.rs FdTbl::insert_file",
     [] {
         EXPECT(dup2(0, 70000), kEMFILE);
         EXPECT(dup2(0, kLast + 1), kEMFILE);
         EXPECT(dup2(0, kLast), kLast);
     }},
    {"dup2-upper-table", "kernel:src/context/context.rs FdTbl::insert_file",
     [] {
         EXPECT(dup2(0, kTag | 700), kTag | 700);
         EXPECT(close(kTag | 700), 0);
     }},
    {"close-twice", "kernel:src/syscall/fs.rs close",
     [] {
         const uint64_t file = OK(dup(0));
         EXPECT(close(file), 0);
         EXPECT(close(file), kEBADF);
     }},
    {"close-odd-numbers", "kernel:src/context/context.rs FdTbl::remove_file",
     [] {
         EXPECT(close(kAll), kEBADF);
         EXPECT(close(uint64_t{1} << 63), kEBADF);
         EXPECT(close(kTag | 60000), kEBADF);
         EXPECT(close(kLast + 1), kEBADF);
     }},
};

constexpr Probe kFcntlProbes[] = {
    {"closed", "kernel:src/syscall/fs.rs fcntl",
     [] {
         EXPECT(fcntl(kClosed, Fcntl::kGetfd), kEBADF);
         EXPECT(fcntl(kClosed, 77), kEBADF);
     }},
    {"setfd-wants-cloexec", "kernel:src/syscall/fs.rs fcntl",
     [] {
         const PipeEnds pipe = open_pipe();
         EXPECT(fcntl(pipe.reader, Fcntl::kSetfd, 1), 0);
         EXPECT(fcntl(pipe.reader, Fcntl::kGetfd), 0);
         EXPECT(fcntl(pipe.reader, Fcntl::kSetfd, kAll), 0);
         EXPECT(fcntl(pipe.reader, Fcntl::kGetfd), Open::kCloexec);
         EXPECT(fcntl(pipe.reader, Fcntl::kSetfd, 0), 0);
         EXPECT(fcntl(pipe.reader, Fcntl::kGetfd), 0);
     }},
    {"cloexec-is-the-number-s", "kernel:src/context/file.rs FileDescriptor",
     [] {
         const PipeEnds pipe = open_pipe();
         const uint64_t copy = OK(dup(pipe.reader));
         EXPECT(fcntl(copy, Fcntl::kSetfd, Open::kCloexec), 0);
         EXPECT(fcntl(pipe.reader, Fcntl::kGetfd), 0);
     }},
    {"getfl-keeps-creation-flags", "kernel:src/syscall/fs.rs openat",
     [] {
         const uint64_t file =
             open_sys("uname", Open::kRdonly | Open::kCreat | Open::kCloexec | Open::kSymlink | 0644);
         EXPECT(fcntl(file, Fcntl::kGetfl), Open::kRdonly | Open::kCreat | Open::kSymlink | 0644);
         EXPECT(fcntl(file, Fcntl::kGetfd), Open::kCloexec);
     }},
    {"setfl-keeps-access-mode", "kernel:src/syscall/fs.rs fcntl",
     [] {
         const PipeEnds pipe = open_pipe();
         EXPECT(fcntl(pipe.reader, Fcntl::kSetfl, kAll), 0);
         EXPECT(fcntl(pipe.reader, Fcntl::kGetfl), 0xffff'ffff);
         EXPECT(fcntl(pipe.reader, Fcntl::kSetfl, Open::kNonblock), 0);
         EXPECT(fcntl(pipe.reader, Fcntl::kGetfl), Open::kRdwr | Open::kNonblock);
     }},
    {"setfl-takes-effect", "kernel:src/scheme/pipe.rs read",
     [] {
         const PipeEnds pipe = open_pipe();
         EXPECT(fcntl(pipe.reader, Fcntl::kSetfl, Open::kNonblock), 0);
         EXPECT(read(pipe.reader, buffer, 5), kEAGAIN);
     }},
    {"flags-are-the-description-s", "kernel:src/context/file.rs FileDescription",
     [] {
         const PipeEnds pipe = open_pipe();
         const uint64_t copy = OK(dup(pipe.reader));
         EXPECT(fcntl(copy, Fcntl::kSetfl, Open::kNonblock), 0);
         EXPECT(fcntl(pipe.reader, Fcntl::kGetfl), Open::kRdwr | Open::kNonblock);
         EXPECT(fcntl(pipe.writer, Fcntl::kGetfl), Open::kRdwr);
     }},
    {"unknown-command", "kernel:src/syscall/fs.rs fcntl",
     [] {
         const PipeEnds pipe = open_pipe();
         for (const uint64_t command : {5, 6, 99, 1024, 1031})
             EXPECT(fcntl(pipe.reader, command), kEINVAL);
     }},
    {"dupfd-from-a-number", "kernel:src/context/context.rs FdTbl::add_file_min",
     [] {
         EXPECT(fcntl(0, Fcntl::kDupfd, 500), 500);
         EXPECT(fcntl(0, Fcntl::kDupfd, 500), 501);
         EXPECT(fcntl(500, Fcntl::kGetfd), 0);
         EXPECT(close(500), 0);
         EXPECT(fcntl(0, Fcntl::kDupfd, 450), 450);
         EXPECT(fcntl(0, Fcntl::kDupfd, 500), 500);
     }},
    {"dupfd-cloexec", "kernel:src/syscall/fs.rs fcntl",
     [] {
         EXPECT(fcntl(0, Fcntl::kDupfdCloexec, 500), 500);
         EXPECT(fcntl(500, Fcntl::kGetfd), Open::kCloexec);
     }},
    {"dupfd-upper-table", "kernel:src/context/context.rs FdTbl::add_file_min",
     [] {
         EXPECT(fcntl(0, Fcntl::kDupfd, kTag | 3000), kTag | 3000);
         EXPECT(fcntl(0, Fcntl::kDupfd, kTag | 3000), kTag | 3001);
         EXPECT_TRUE((OK(fcntl(0, Fcntl::kDupfd, kTag)) & kTag) != 0);
     }},
    {"dupfd-past-the-limit", "kernel:src/context/context.rs FdTbl::add_file_min",
     [] {
         EXPECT(fcntl(0, Fcntl::kDupfd, kLast + 1), kEMFILE);
         EXPECT(fcntl(0, Fcntl::kDupfd, kLast), kLast);
         EXPECT(fcntl(0, Fcntl::kDupfd, kLast), kLast + 1);
         EXPECT(fcntl(0, Fcntl::kDupfd, kLast + 1), kLast + 2);
         EXPECT(close(kLast + 1), 0);
     }},
    {"dupfd-bit-63", "kernel:src/context/context.rs FdTbl::add_file_min",
     [] { EXPECT(fcntl(0, Fcntl::kDupfd, uint64_t{1} << 63), kEMFILE); }},
    {"table-full", "kernel:src/context/context.rs FdTbl::add_file",
     [] {
         nearly_fill_table();
         uint64_t last = 0;
         uint64_t answer = 0;
         while (abi::demux_errno(answer = dup(0)) == 0)
             last = answer;
         EXPECT(answer, kEMFILE);
         EXPECT(open_kernel(abi::GlobalSchemes::kPipe, ""), kEMFILE);
         EXPECT(fcntl(0, Fcntl::kDupfd, kTag), kEMFILE);
         EXPECT(close(last), 0);
         EXPECT(dup(0), last);
     }},
};

}  // namespace

Area fd_area() {
    return {"fd", "dup, dup2 and close", kDupProbes};
}

Area fcntl_area() {
    return {"fcntl", "fcntl's commands", kFcntlProbes};
}

}  // namespace halfcell::userland::conform
