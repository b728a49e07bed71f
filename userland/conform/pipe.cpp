// The pipe scheme, and the waits of its two ends.

#include <atomic>

#include "userland/conform/areas.h"
#include "userland/conform/context.h"
#include "userland/conform/objects.h"

namespace halfcell::userland::conform {
namespace {

using enum Errno;

constexpr uint64_t kRoom = 65536;
char buffer[2 * kRoom];
std::atomic<uint64_t> answer{kAll};

void read_ten(uint64_t fd) {
    answer = read(fd, buffer, 10);
}
void write_too_much(uint64_t fd) {
    answer = write(fd, buffer, kRoom + 5000);
}

constexpr Probe kProbes[] = {
    {"second-writer", "kernel:src/scheme/pipe.rs kdup",
     [] {
         const PipeEnds pipe = open_pipe();
         EXPECT(dup(pipe.reader, "write"), kEBADF);
         EXPECT(dup(pipe.writer, "write"), kEBADF);
         EXPECT(dup(pipe.reader, "writeXYZ"), kEBADF);
         EXPECT(dup(pipe.reader, "wri"), kEINVAL);
     }},
    {"writer-inherits-flags", "kernel:src/syscall/fs.rs duplicate_file",
     [] {
         const PipeEnds pipe = open_pipe(Open::kRdwr | Open::kNonblock);
         EXPECT(fcntl(pipe.writer, Fcntl::kGetfl), Open::kRdwr | Open::kNonblock);
     }},
    {"writer-by-openat", "kernel:src/scheme/pipe.rs kopenat",
     [] {
         const uint64_t reader = OK(open_kernel(abi::GlobalSchemes::kPipe, ""));
         EXPECT(openat(reader, "write"), kEINVAL);
         const uint64_t writer = OK(openat(reader, "zzz"));
         EXPECT(openat(reader, "zzz"), kEBADF);
         EXPECT(openat(writer, "zzz"), kEBADF);
         EXPECT(write(writer, "q", 1), 1);
         EXPECT(read(reader, buffer, 10), 1);
     }},
    {"no-other-names", "kernel:src/scheme/pipe.rs kopenat",
     [] { EXPECT(open_kernel(abi::GlobalSchemes::kPipe, "nope"), kENOENT); }},
    {"capacity", "kernel:src/scheme/pipe.rs kwrite",
     [] {
         const PipeEnds pipe = open_pipe();
         EXPECT(write(pipe.writer, buffer, 70000), kRoom);
         EXPECT(read(pipe.reader, buffer, sizeof buffer), kRoom);
     }},
    {"full-pipe", "kernel:src/scheme/pipe.rs kwrite",
     [] {
         const PipeEnds pipe = open_pipe(Open::kRdwr | Open::kNonblock);
         EXPECT(write(pipe.writer, buffer, kRoom), kRoom);
         EXPECT(write(pipe.writer, buffer, 1), kEAGAIN);
         EXPECT(write(pipe.writer, buffer, 0), 0);
         EXPECT(read(pipe.reader, buffer, 100), 100);
         EXPECT(write(pipe.writer, buffer, 200), 100);
     }},
    {"empty-pipe", "kernel:src/scheme/pipe.rs kread",
     [] {
         const PipeEnds pipe = open_pipe(Open::kRdwr | Open::kNonblock);
         EXPECT(read(pipe.reader, buffer, 10), kEAGAIN);
         EXPECT(read(pipe.reader, buffer, 0), 0);
         EXPECT(read(pipe.reader, kNowhere, 0), 0);
     }},
    {"fault-keeps-the-bytes", "kernel:src/scheme/pipe.rs kread",
     [] {
         const PipeEnds pipe = open_pipe();
         EXPECT(write(pipe.writer, "hello", 5), 5);
         EXPECT(read(pipe.reader, kNowhere, 5), kEFAULT);
         EXPECT(read(pipe.reader, buffer, 5), 5);
     }},
    {"in-order-and-in-part", "kernel:src/scheme/pipe.rs kread",
     [] {
         const PipeEnds pipe = open_pipe();
         EXPECT(write(pipe.writer, "hel", 3), 3);
         EXPECT(write(pipe.writer, "lo", 2), 2);
         EXPECT(read(pipe.reader, buffer, 4), 4);
         EXPECT_TRUE(std::string_view(buffer, 4) == "hell");
         EXPECT(read(pipe.reader, buffer, 4), 1);
     }},
    {"no-writer", "kernel:src/scheme/pipe.rs kread",
     [] {
         const PipeEnds pipe = open_pipe();
         EXPECT(write(pipe.writer, "ab", 2), 2);
         EXPECT(close(pipe.writer), 0);
         EXPECT(read(pipe.reader, buffer, 10), 2);
         EXPECT(read(pipe.reader, buffer, 10), 0);
         EXPECT(read(pipe.reader, buffer, 10), 0);
     }},
    {"no-reader", "kernel:src/scheme/pipe.rs kwrite",
     [] {
         const PipeEnds pipe = open_pipe();
         EXPECT(close(pipe.reader), 0);
         EXPECT(write(pipe.writer, "a", 1), kEPIPE);
         EXPECT(write(pipe.writer, "a", 0), kEPIPE);
     }},
    {"fevent", "kernel:src/scheme/pipe.rs fevent",
     [] {
         const PipeEnds pipe = open_pipe();
         EXPECT(fevent(pipe.reader, 3), 0);
         EXPECT(fevent(pipe.writer, 3), Ready::kEventWrite);
         EXPECT(fevent(pipe.writer, 0), 0);
         EXPECT(fevent(pipe.reader, 0xff), 0);
         EXPECT(write(pipe.writer, "a", 1), 1);
         EXPECT(fevent(pipe.reader, 3), Ready::kEventRead);
         EXPECT(close(pipe.reader), 0);
         EXPECT(fevent(pipe.writer, 3), Ready::kEventWrite);
     }},
    {"fevent-after-the-writer", "kernel:src/scheme/pipe.rs fevent",
     [] {
         const PipeEnds pipe = open_pipe();
         EXPECT(close(pipe.writer), 0);
         EXPECT(fevent(pipe.reader, 3), Ready::kEventRead);
     }},
    {"reader-waits", "kernel:src/scheme/pipe.rs kread",
     [] {
         const PipeEnds pipe = open_pipe();
         const Context reader = Context::started(read_ten, pipe.reader);
         reader.wait_for(Status::kBlocked);
         EXPECT(answer.load(), kAll);
         EXPECT(write(pipe.writer, "abc", 3), 3);
         reader.wait_for_end();
         EXPECT(answer.load(), 3);
     }},
    {"reader-wakes-when-the-writer-goes", "kernel:src/scheme/pipe.rs close",
     [] {
         const PipeEnds pipe = open_pipe();
         const Context reader = Context::started(read_ten, pipe.reader);
         reader.wait_for(Status::kBlocked);
         EXPECT(close(pipe.writer), 0);
         reader.wait_for_end();
         EXPECT(answer.load(), 0);
     }},
    {"writer-waits-for-some-room", "kernel:src/scheme/pipe.rs kwrite",
     [] {
         const PipeEnds pipe = open_pipe();
         EXPECT(write(pipe.writer, buffer, kRoom), kRoom);
         const Context writer = Context::started(write_too_much, pipe.writer);
         writer.wait_for(Status::kBlocked);
         EXPECT(read(pipe.reader, buffer, 10), 10);
         writer.wait_for_end();
         EXPECT(answer.load(), 10);
     }},
    {"writer-wakes-when-the-reader-goes", "kernel:src/scheme/pipe.rs close",
     [] {
         const PipeEnds pipe = open_pipe();
         EXPECT(write(pipe.writer, buffer, kRoom), kRoom);
         const Context writer = Context::started(write_too_much, pipe.writer);
         writer.wait_for(Status::kBlocked);
         EXPECT(close(pipe.reader), 0);
         writer.wait_for_end();
         EXPECT(answer.load(), kEPIPE);
     }},
    {"interrupted-reader", "kernel:src/sync/wait_condition.rs wait_inner",
     [] {
         const PipeEnds pipe = open_pipe();
         const Context reader = Context::started(read_ten, pipe.reader);
         reader.wait_for(Status::kBlocked);
         EXPECT(reader.verb(Verb::kInterrupt), 8);
         reader.wait_for_end();
         EXPECT(answer.load(), kEINTR);
     }},
};

}  // namespace

Area pipe_area() {
    return {"pipe", "the pipe scheme", kProbes};
}

}  // namespace halfcell::userland::conform
