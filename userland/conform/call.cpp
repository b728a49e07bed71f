// SYS_CALL, and descriptors that travel: over pipes by call, and by sendfd.

#include "userland/conform/areas.h"
#include "userland/conform/context.h"
#include "userland/conform/objects.h"

namespace halfcell::userland::conform {
namespace {

using enum Errno;

constexpr uint64_t kSendExclusive = abi::SendFdFlags::kExclusive;
constexpr uint64_t kSendClone = abi::SendFdFlags::kClone;

char buffer[128];

uint64_t std_fs(uint64_t fd, uint64_t kind, void* payload, uint64_t size, uint64_t first = 0,
                uint64_t second = 0) {
    const std::array<uint64_t, 3> words{kind, first, second};
    return call(fd, payload, size, Call::kStdFs | 3, words.data());
}
uint64_t kind(abi::StdFsCallKind value) {
    return static_cast<uint64_t>(value);
}
using Kind = abi::StdFsCallKind;

// Two files in a list.
struct Files {
    std::array<uint64_t, 4> numbers{open_sys("uname"), open_sys("env", Open::kRdonly | Open::kCloexec), 0, 0};
    [[nodiscard]] const uint64_t* list() const { return numbers.data(); }
};

constexpr Probe kCallProbes[] = {
    {"not-supported", "kernel:src/scheme/mod.rs KernelScheme::kcall",
     [] {
         const PipeEnds pipe = open_pipe();
         EXPECT(call(pipe.reader, 0, 0, 0), kEOPNOTSUPP);
         EXPECT(call(pipe.reader, 0, 0, Call::kFd), kEOPNOTSUPP);
         EXPECT(call(pipe.reader, 0, 0, Call::kRead | Call::kWrite), kEOPNOTSUPP);
     }},
    {"flags", "kernel:src/syscall/fs.rs call",
     [] {
         const PipeEnds pipe = open_pipe();
         EXPECT(call(pipe.reader, buffer, 8, uint64_t{1} << 17), kEINVAL);
         EXPECT(call(pipe.reader, buffer, 8, uint64_t{1} << 63), kEINVAL);
     }},
    {"metadata", "kernel:src/syscall/fs.rs call",
     [] {
         const PipeEnds pipe = open_pipe();
         const std::array<uint64_t, 3> words{};
         // No more than three words are looked at.
         EXPECT(call(pipe.reader, buffer, 8, 255, words.data()), kEOPNOTSUPP);
         EXPECT(call(pipe.reader, buffer, 8, 255, kNowhere), kEFAULT);
         EXPECT(call(pipe.reader, buffer, 8, 255, 0), kEFAULT);
     }},
    {"consume", "kernel:src/syscall/fs.rs call_normal",
     [] {
         const uint64_t fd = OK(dup(open_pipe().reader));
         EXPECT(call(fd, 0, 0, Call::kConsume), kEOPNOTSUPP);
         EXPECT(fcntl(fd, Fcntl::kGetfd), kEBADF);
     }},
    {"std-fs-words", "kernel:src/syscall/fs.rs call_normal",
     [] {
         const PipeEnds pipe = open_pipe();
         const std::array<uint64_t, 3> words{kind(Kind::kFstat), 0, 0};
         abi::Stat stat{};
         EXPECT(call(pipe.reader, &stat, sizeof stat, Call::kStdFs), kEINVAL);
         EXPECT(call(pipe.reader, &stat, sizeof stat, Call::kStdFs | 2, words.data()), kEINVAL);
         EXPECT(call(pipe.reader, &stat, sizeof stat, Call::kStdFs | 3, words.data()), 0);
         EXPECT(call(pipe.reader, &stat, sizeof stat, Call::kStdFs | 4, words.data()), 0);
     }},
    {"std-fs-kinds", "kernel:src/scheme/mod.rs translate_std_fs_call",
     [] {
         const uint64_t fd = open_pipe().reader;
         for (const uint64_t unknown : {0, 9, 10, 15, 255})
             EXPECT(std_fs(fd, unknown, buffer, 104), kEOPNOTSUPP);
         EXPECT(std_fs(fd, kind(Kind::kFchown), buffer, 104), kEOPNOTSUPP);
         EXPECT(std_fs(fd, kind(Kind::kFchmod), buffer, 104), kEBADF);
         EXPECT(std_fs(fd, kind(Kind::kFsync), buffer, 104), 0);
         EXPECT(std_fs(fd, kind(Kind::kGetdents), buffer, 104), kEOPNOTSUPP);
         EXPECT(std_fs(fd, kind(Kind::kLock), buffer, 104), kEOPNOTSUPP);
         EXPECT(std_fs(fd, kind(Kind::kRealpathat), buffer, 104), kEOPNOTSUPP);
     }},
    {"std-fs-kind-is-a-byte", "kernel:src/syscall/fs.rs call_normal",
     [] {
         abi::Stat stat{};
         EXPECT(std_fs(open_pipe().reader, 0x100 | kind(Kind::kFstat), &stat, sizeof stat), 0);
     }},
    {"std-fs-stat-names-no-device", "kernel:src/scheme/mod.rs translate_std_fs_call",
     [] {
         abi::Stat stat{};
         stat.st_dev = 99;
         const uint64_t fd = open_pipe().reader;
         EXPECT(std_fs(fd, kind(Kind::kFstat), &stat, sizeof stat), 0);
         EXPECT(stat.st_dev, 0);
         EXPECT(std_fs(fd, kind(Kind::kFstat), &stat, 100), kEINVAL);
     }},
    {"iopl", "kernel:src/scheme/proc.rs KernelScheme::kcall",
     [] {
         const uint64_t handle = OK(dup(own_thread(), "open_via_dup"));
         std::array<uint64_t, 1> words{254};
         EXPECT(call(handle, 0, 0, 0), kEINVAL);
         EXPECT(call(handle, 0, 0, 1, words.data()), kEINVAL);
         words[0] = 256;
         EXPECT(call(handle, 0, 0, 1, words.data()), kEINVAL);
     }},
};

constexpr Probe kPassingProbes[] = {
    {"give-and-take", "kernel:src/scheme/pipe.rs kfdwrite",
     [] {
         const PipeEnds pipe = open_pipe();
         const Files files;
         EXPECT(call(pipe.writer, files.list(), 16, kGive), 2);
         EXPECT(fcntl(files.numbers[0], Fcntl::kGetfd), kEBADF);
         std::array<uint64_t, 2> taken{kClosed, kClosed};
         EXPECT(call(pipe.reader, taken.data(), 16, kTake), 2);
         EXPECT(read(taken[0], buffer, 5), 5);
         EXPECT_TRUE(std::string_view(buffer, 5) == kUname);
         // The mark of the number does not travel.
         EXPECT(fcntl(taken[1], Fcntl::kGetfd), 0);
     }},
    {"events-of-descriptors", "kernel:src/scheme/pipe.rs fevent",
     [] {
         const PipeEnds pipe = open_pipe();
         EXPECT(call(pipe.writer, Files().list(), 16, kGive), 2);
         EXPECT(fevent(pipe.reader, 1), 0);
     }},
    {"clone", "kernel:src/syscall/fs.rs fdwrite_inner",
     [] {
         const PipeEnds pipe = open_pipe();
         const Files files;
         EXPECT(call(pipe.writer, files.list(), 17, kGive | Call::kFdClone), 2);
         EXPECT(fcntl(files.numbers[0], Fcntl::kGetfd), 0);
     }},
    {"upper-with-cloexec", "kernel:src/context/context.rs bulk_insert_fds",
     [] {
         const PipeEnds pipe = open_pipe();
         EXPECT(call(pipe.writer, Files().list(), 16, kGive), 2);
         std::array<uint64_t, 2> taken{kAll, 0};
         EXPECT(call(pipe.reader, taken.data(), 16, kTake | Call::kFdUpper | Call::kFdCloexec), 2);
         EXPECT_TRUE((taken[0] & kTag) != 0);
         EXPECT(taken[1], taken[0] + 1);
         EXPECT(fcntl(taken[0], Fcntl::kGetfd), Open::kCloexec);
     }},
    {"chosen-numbers", "kernel:src/context/context.rs bulk_insert_fds",
     [] {
         const PipeEnds pipe = open_pipe();
         EXPECT(call(pipe.writer, Files().list(), 16, kGive), 2);
         std::array<uint64_t, 2> wanted{3000, 3010};
         EXPECT(call(pipe.reader, wanted.data(), 16, kTake | Call::kFdUpper), 2);
         EXPECT(fcntl(kTag | 3000, Fcntl::kGetfd), 0);
         EXPECT(fcntl(kTag | 3010, Fcntl::kGetfd), 0);
     }},
    {"chosen-twice", "kernel:src/context/context.rs bulk_insert_fds",
     [] {
         const PipeEnds pipe = open_pipe();
         EXPECT(call(pipe.writer, Files().list(), 16, kGive), 2);
         std::array<uint64_t, 2> wanted{3000, 3000};
         EXPECT(call(pipe.reader, wanted.data(), 16, kTake | Call::kFdUpper), kEINVAL);
         EXPECT(fcntl(kTag | 3000, Fcntl::kGetfd), kEBADF);
     }},
    {"chosen-and-taken", "kernel:src/context/context.rs bulk_insert_fds",
     [] {
         const PipeEnds pipe = open_pipe();
         EXPECT(dup2(0, kTag | 3000), kTag | 3000);
         EXPECT(call(pipe.writer, Files().list(), 16, kGive), 2);
         std::array<uint64_t, 2> wanted{3000, 3000};
         EXPECT(call(pipe.reader, wanted.data(), 16, kTake | Call::kFdUpper), kEEXIST);
     }},
    {"asking-for-more", "kernel:src/scheme/pipe.rs kfdread",
     [] {
         const PipeEnds pipe = open_pipe();
         EXPECT(call(pipe.writer, Files().list(), 16, kGive), 2);
         std::array<uint64_t, 3> taken{9, 9, 9};
         EXPECT(call(pipe.reader, taken.data(), 24, kTake), kEINVAL);
         EXPECT(taken[0], 9);
     }},
    {"what-was-refused", "kernel:src/scheme/pipe.rs kfdread",
     [] {
         // Redox destroys them, and the next call waits; so the writer goes first.
         const PipeEnds pipe = open_pipe();
         EXPECT(call(pipe.writer, Files().list(), 16, kGive), 2);
         EXPECT(close(pipe.writer), 0);
         std::array<uint64_t, 3> taken{};
         EXPECT(call(pipe.reader, taken.data(), 24, kTake), kEINVAL);
         EXPECT_DEVIATION(call(pipe.reader, taken.data(), 16, kTake), 0, 2);
     },
     Deviation::kSafer},
    {"some-at-a-time", "kernel:src/scheme/pipe.rs kfdread",
     [] {
         const PipeEnds pipe = open_pipe();
         EXPECT(call(pipe.writer, Files().list(), 16, kGive), 2);
         uint64_t taken = 0;
         EXPECT(call(pipe.reader, &taken, 8, kTake), 1);
         EXPECT(call(pipe.reader, &taken, 8, kTake), 1);
         EXPECT(close(pipe.writer), 0);
         EXPECT(call(pipe.reader, &taken, 8, kTake), 0);
     }},
    {"empty-lists", "kernel:src/syscall/fs.rs call_fdwrite",
     [] {
         const PipeEnds pipe = open_pipe();
         EXPECT(call(pipe.writer, buffer, 0, kGive), 0);
         EXPECT(call(pipe.reader, buffer, 0, kTake), 0);
     }},
    {"wrong-ends", "kernel:src/scheme/pipe.rs kfdwrite",
     [] {
         const PipeEnds pipe = open_pipe();
         uint64_t fd = open_sys("uname");
         EXPECT(call(pipe.writer, buffer, 0, kTake), kEBADF);
         EXPECT(call(pipe.reader, &fd, 8, kGive), kEBADF);
         EXPECT(is_open(fd), false);
     }},
    {"bad-lists", "kernel:src/syscall/fs.rs fdwrite_inner",
     [] {
         const PipeEnds pipe = open_pipe();
         const uint64_t fd = open_sys("uname");
         const auto give_two = [&](uint64_t second) {
             const std::array<uint64_t, 2> list{fd, second};
             return call(pipe.writer, list.data(), 16, kGive);
         };
         EXPECT(give_two(fd), kEBADF);
         EXPECT(give_two(kClosed), kEBADF);
         EXPECT(give_two(65536), kEMFILE);
         EXPECT(give_two(kTag | 65536), kEMFILE);
         EXPECT(fcntl(fd, Fcntl::kGetfd), 0);
     }},
    {"nobody-takes-them", "kernel:src/scheme/pipe.rs kfdwrite",
     [] {
         const PipeEnds pipe = open_pipe();
         EXPECT(close(pipe.reader), 0);
         uint64_t fd = open_sys("uname");
         EXPECT(call(pipe.writer, &fd, 8, kGive), kEPIPE);
         EXPECT(fcntl(fd, Fcntl::kGetfd), kEBADF);
     }},
    {"taker-waits", "kernel:src/scheme/pipe.rs kfdread",
     [] {
         static uint64_t answer;
         static uint64_t taken;
         const PipeEnds pipe = open_pipe(Open::kRdwr | Open::kNonblock);
         const Context taker =
             Context::started([](uint64_t reader) { answer = call(reader, &taken, 8, kTake); }, pipe.reader);
         taker.wait_for(Status::kBlocked);
         uint64_t fd = open_sys("uname");
         EXPECT(call(pipe.writer, &fd, 8, kGive), 1);
         taker.wait_for_end();
         EXPECT(answer, 1);
         EXPECT(fcntl(taken, Fcntl::kGetfd), 0);
     }},
    {"sendfd", "kernel:src/syscall/fs.rs sendfd",
     [] {
         const PipeEnds pipe = open_pipe();
         const uint64_t fd = open_sys("uname");
         EXPECT(sendfd(pipe.writer, fd, 0, 123), 1);
         EXPECT(fcntl(fd, Fcntl::kGetfd), kEBADF);
         EXPECT(sendfd(pipe.writer, fd, 0), kEBADF);
     }},
    {"sendfd-clone", "kernel:src/syscall/fs.rs sendfd",
     [] {
         const PipeEnds pipe = open_pipe();
         const uint64_t fd = open_sys("uname");
         EXPECT(sendfd(pipe.writer, fd, kSendClone), 1);
         EXPECT(fcntl(fd, Fcntl::kGetfd), 0);
         EXPECT(sendfd(pipe.writer, fd, kSendExclusive), kEBUSY);
         EXPECT(fcntl(fd, Fcntl::kGetfd), kEBADF);
     }},
    {"sendfd-exclusive", "kernel:src/syscall/fs.rs fdwrite_inner",
     [] {
         const PipeEnds pipe = open_pipe();
         EXPECT(sendfd(pipe.writer, open_sys("uname"), kSendExclusive), 1);
         const uint64_t fd = open_sys("uname");
         EXPECT(sendfd(pipe.writer, fd, kSendExclusive | kSendClone), kEBUSY);
         EXPECT(fcntl(fd, Fcntl::kGetfd), 0);
         OK(dup(fd));
         EXPECT(sendfd(pipe.writer, fd, kSendExclusive), kEBUSY);
         EXPECT(fcntl(fd, Fcntl::kGetfd), kEBADF);
     }},
    {"sendfd-to-what-takes-none", "kernel:src/scheme/mod.rs KernelScheme::kfdwrite",
     [] {
         const uint64_t target = open_sys("uname");
         const uint64_t fd = open_sys("env");
         EXPECT(sendfd(target, kClosed, 0), kEBADF);
         EXPECT(sendfd(target, fd, 0), kEOPNOTSUPP);
         EXPECT(fcntl(fd, Fcntl::kGetfd), kEBADF);
     }},
    {"a-pipe-through-itself", "kernel:src/syscall/fs.rs fdwrite_inner",
     [] {
         const PipeEnds pipe = open_pipe();
         EXPECT(sendfd(pipe.writer, pipe.writer, 0), 1);
         EXPECT(fcntl(pipe.writer, Fcntl::kGetfd), kEBADF);
         uint64_t again = 0;
         EXPECT(call(pipe.reader, &again, 8, kTake), 1);
         EXPECT(write(again, "x", 1), 1);
     }},
};

}  // namespace

Area call_area() {
    return {"call", "SYS_CALL: its words, and calls that stand for others", kCallProbes};
}

Area passing_area() {
    return {"passing", "descriptors that travel", kPassingProbes};
}

}  // namespace halfcell::userland::conform
