// Moving bytes and offsets: lseek, read, write, read2 and write2.

#include "userland/conform/areas.h"
#include "userland/conform/objects.h"

namespace halfcell::userland::conform {
namespace {

using enum Errno;

constexpr std::int64_t kLargest = 0x7fff'ffff'ffff'ffff;
char buffer[4096];

bool begins(std::string_view text) {
    return std::string_view(buffer, text.size()) == text;
}

constexpr Probe kSeekProbes[] = {
    {"set-and-current", "kernel:src/syscall/fs.rs lseek",
     [] {
         const uint64_t file = open_sys("uname");
         EXPECT(lseek(file, 5, 0), 5);
         EXPECT(lseek(file, 3, 1), 8);
         EXPECT(lseek(file, -8, 1), 0);
     }},
    {"end", "kernel:src/syscall/fs.rs lseek",
     [] {
         const uint64_t file = open_sys("uname");
         const uint64_t size = OK(lseek(file, 0, 2));
         EXPECT(read(file, buffer, 10), 0);
         EXPECT(lseek(file, -5, 2), size - 5);
         EXPECT(read(file, buffer, 10), 5);
     }},
    {"past-the-end", "kernel:src/syscall/fs.rs lseek",
     [] {
         const uint64_t file = open_sys("uname");
         EXPECT(lseek(file, 1 << 20, 0), 1 << 20);
         EXPECT(read(file, buffer, 10), 0);
     }},
    {"whence", "kernel:src/syscall/fs.rs lseek",
     [] {
         const uint64_t file = open_sys("uname");
         EXPECT(lseek(file, 0, 3), kEINVAL);
         EXPECT(lseek(file, 0, kAll), kEINVAL);
         EXPECT(lseek(kClosed, 0, 3), kEBADF);
     }},
    {"negative", "kernel:src/syscall/fs.rs lseek",
     [] {
         const uint64_t file = open_sys("uname");
         EXPECT(lseek(file, 8, 0), 8);
         EXPECT(lseek(file, -1, 0), kEINVAL);
         EXPECT(lseek(file, -9, 1), kEINVAL);
         EXPECT(lseek(file, 0, 1), 8);
     }},
    {"overflow", "kernel:src/syscall/fs.rs lseek",
     [] {
         const uint64_t file = open_sys("uname");
         EXPECT(lseek(file, kLargest, 0), kLargest);
         EXPECT(lseek(file, 1, 1), kEOVERFLOW);
         EXPECT(lseek(file, 0, 1), kLargest);
         EXPECT(lseek(file, kLargest, 2), kEOVERFLOW);
     }},
    {"pipes-store-an-offset", "kernel:src/syscall/fs.rs lseek",
     [] {
         const PipeEnds pipe = open_pipe();
         EXPECT(lseek(pipe.reader, 5, 0), 5);
         EXPECT(lseek(pipe.reader, 3, 1), 8);
         EXPECT(lseek(pipe.reader, 0, 2), kESPIPE);
         EXPECT(write(pipe.writer, "ab", 2), 2);
         EXPECT(read(pipe.reader, buffer, 9), 2);
         EXPECT(lseek(pipe.reader, 0, 1), 8);
     }},
    {"low-half-reads-as-error", "syscall:src/error.rs Error::demux",
     [] {
         const uint64_t file = open_sys("uname");
         EXPECT(lseek(file, 0xffff'ffff, 0), 0xffff'ffff);
         EXPECT_TRUE(abi::demux_errno(lseek(file, 0, 1)) == 1);
     }},
};

constexpr Probe kIoProbes[] = {
    {"read-advances", "kernel:src/syscall/fs.rs sys_read",
     [] {
         const uint64_t file = open_sys("uname");
         EXPECT(read(file, buffer, 2), 2);
         EXPECT_TRUE(begins("Re"));
         EXPECT(lseek(file, 0, 1), 2);
         EXPECT(read(file, buffer, 3), 3);
         EXPECT_TRUE(begins("dox"));
     }},
    {"read-nothing", "kernel:src/syscall/fs.rs sys_read",
     [] {
         const uint64_t file = open_sys("uname");
         EXPECT(read(file, buffer, 0), 0);
         EXPECT(lseek(file, 0, 1), 0);
     }},
    {"read-leaves-the-rest", "kernel:src/syscall/usercopy.rs copy_common_bytes_from_slice",
     [] {
         const PipeEnds pipe = open_pipe();
         EXPECT(write(pipe.writer, "xyz", 3), 3);
         std::memset(buffer, '.', 16);
         EXPECT(read(pipe.reader, buffer, 16), 3);
         EXPECT_TRUE(begins("xyz............."));
     }},
    {"read2-ignores-the-offset-of-the-file", "kernel:src/syscall/mod.rs syscall",
     [] {
         const uint64_t file = open_sys("uname");
         EXPECT(lseek(file, 7, 0), 7);
         EXPECT(read2(file, buffer, 5, 0, kAll), 5);
         EXPECT_TRUE(begins(kUname));
         EXPECT(read2(file, buffer, 3, 2, kAll), 3);
         EXPECT_TRUE(begins("dox"));
         EXPECT(lseek(file, 0, 1), 7);
     }},
    {"read2-without-offset", "kernel:src/syscall/mod.rs syscall",
     [] {
         const uint64_t file = open_sys("uname");
         EXPECT(read2(file, buffer, 5, kAll, kAll), 0);
         EXPECT(read2(file, buffer, 5, kAll, 0), 0);
     }},
    {"read2-flags", "kernel:src/syscall/mod.rs syscall",
     [] {
         const uint64_t file = open_sys("uname");
         EXPECT(read2(file, buffer, 5, 0, 3), 5);
         EXPECT(read2(file, buffer, 5, 0, 4), kEINVAL);
         EXPECT(read2(file, buffer, 5, 0, uint64_t{1} << 32), kEINVAL);
         EXPECT(read2(file, buffer, 5, 0, 0xffff'ffff), kEINVAL);
     }},
    {"read2-of-a-pipe", "kernel:src/scheme/mod.rs KernelScheme::kreadoff",
     [] {
         const PipeEnds pipe = open_pipe();
         EXPECT(read2(pipe.reader, buffer, 5, 0, kAll), kESPIPE);
         EXPECT(read2(pipe.reader, buffer, 5, kAll, 1), kEAGAIN);
         EXPECT(read2(pipe.reader, buffer, 0, kAll, 1), 0);
         EXPECT(fcntl(pipe.reader, Fcntl::kGetfl), Open::kRdwr);
     }},
    {"read2-can-block-where-read-does-not", "kernel:src/syscall/mod.rs syscall",
     [] {
         const PipeEnds pipe = open_pipe(Open::kRdwr | Open::kNonblock);
         EXPECT(read2(pipe.reader, buffer, 5, kAll, kAll), kEAGAIN);
         EXPECT(write(pipe.writer, "a", 1), 1);
         EXPECT(read2(pipe.reader, buffer, 5, kAll, 0), 1);
     }},
    {"write2-of-a-pipe", "kernel:src/scheme/mod.rs KernelScheme::kwriteoff",
     [] {
         const PipeEnds pipe = open_pipe();
         EXPECT(write2(pipe.writer, "abc", 3, 0, kAll), kESPIPE);
         EXPECT(write2(pipe.writer, "abc", 3, kAll, kAll), 3);
         EXPECT(read2(pipe.reader, buffer, 5, kAll, 1), 3);
     }},
    {"no-access-mode", "kernel:src/syscall/fs.rs sys_read",
     [] {
         const uint64_t file = open_sys("uname", 0);
         EXPECT(read(file, buffer, 5), 5);
     }},
    {"wrong-end-of-a-pipe", "kernel:src/scheme/pipe.rs kread",
     [] {
         const PipeEnds pipe = open_pipe();
         EXPECT(read(pipe.writer, buffer, 3), kEBADF);
         EXPECT(write(pipe.reader, buffer, 3), kEBADF);
     }},
    {"unreadable-schemes", "kernel:src/scheme/mod.rs KernelScheme::kread",
     [] {
         const uint64_t memory = OK(open_kernel(abi::GlobalSchemes::kMemory, "zeroed"));
         EXPECT(read(memory, buffer, 1), kEBADF);
         EXPECT(write(memory, buffer, 1), kEBADF);
         EXPECT(read2(memory, buffer, 1, 0, kAll), kESPIPE);
         EXPECT(write2(memory, buffer, 1, 5, kAll), kESPIPE);
     }},
};

}  // namespace

Area seek_area() {
    return {"lseek", "offsets", kSeekProbes};
}

Area io_area() {
    return {"io", "read, write, read2 and write2", kIoProbes};
}

}  // namespace halfcell::userland::conform
