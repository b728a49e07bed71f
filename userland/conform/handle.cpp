// What a thread descriptor opens: names, registers, settings, file tables.

#include "abi/regs.h"
#include "userland/conform/areas.h"
#include "userland/conform/context.h"
#include "userland/conform/objects.h"

namespace halfcell::userland::conform {
namespace {

using enum Errno;

constexpr std::size_t kRflags = 17;  // words of IntRegisters
constexpr std::size_t kCs = 16;
constexpr std::size_t kSs = 19;
constexpr std::size_t kRip = 15;
using IntWords = std::array<uint64_t, 20>;

char buffer[8192];

constexpr Probe kHandleProbes[] = {
    {"names", "kernel:src/scheme/proc.rs open_inner",
     [] {
         for (const std::string_view name :
              {"addrspace", "filetable", "filetable-binary", "current-addrspace", "current-filetable",
               "regs/float", "regs/int", "regs/env", "sighandler", "start", "open_via_dup", "mmap-min-addr",
               "sched-affinity", "status"})
             OK(dup(own_thread(), name));
     }},
    {"unknown-names", "kernel:src/scheme/proc.rs open_inner",
     [] {
         for (const std::string_view name : {"bogus", "regs/bogus", "regs", "Status", "status "})
             EXPECT(dup(own_thread(), name), kEINVAL);
         EXPECT(dup(own_thread(), "\xff"), kEINVAL);
     }},
    {"long-names", "kernel:src/scheme/proc.rs KernelScheme::kdup",
     [] {
         std::memset(buffer, 'a', 65);
         EXPECT(sc(abi::SYS_DUP, own_thread(), buffer, 65), kEINVAL);
         EXPECT(sc(abi::SYS_DUP, own_thread(), buffer, 64), kEINVAL);
     }},
    {"no-names-on-handles", "kernel:src/scheme/proc.rs KernelScheme::kdup",
     [] {
         EXPECT(dup(OK(dup(own_thread(), "status")), "x"), kEINVAL);
         EXPECT(dup(OK(dup(own_thread(), "regs/int")), "status"), kEINVAL);
     }},
    {"path", "kernel:src/scheme/proc.rs kfpath",
     [] {
         EXPECT(sc(abi::SYS_FPATH, OK(dup(own_thread(), "status")), buffer, 100), 20);
         EXPECT_TRUE(std::string_view(buffer, 20) == "/scheme/kernel.proc/");
     }},
    {"stat", "kernel:src/scheme/proc.rs kfstat",
     [] {
         abi::Stat stat{};
         EXPECT(sc(abi::SYS_FSTAT, OK(dup(own_thread(), "status")), &stat, sizeof stat), 0);
         EXPECT(stat.st_mode, 0x8000 | 0666);
         EXPECT(stat.st_dev, 9);
     }},
    {"other-operations", "kernel:src/scheme/proc.rs KernelScheme",
     [] {
         const uint64_t handle = OK(dup(own_thread(), "status"));
         EXPECT(openat(handle, "x"), kEOPNOTSUPP);
         EXPECT(lseek(handle, 0, 2), 0);
         EXPECT(fevent(handle, 3), 0);
         EXPECT(sc(abi::SYS_GETDENTS, handle, buffer, 100, 19, 0), kEOPNOTSUPP);
         EXPECT(sc(abi::SYS_UNLINKAT, handle, "x", 1, 0), kENOENT);
         EXPECT(fmap(handle, 0, kPage, kR), kEBADF);
         EXPECT(call(handle, 0, 0, 0), kEBADF);
     }},
    {"registers-of-a-new-context", "kernel:src/context/arch/x86_64.rs Context::new",
     [] {
         const uint64_t handle = OK(dup(OK(new_context()), "regs/int"));
         IntWords words;
         words.fill(0xee);
         EXPECT(read(handle, words.data(), sizeof words), 160);
         for (std::size_t i = 0; i < words.size(); ++i)
             EXPECT(words[i], i == kRflags ? 0x200 : i == kCs ? 0x2b : i == kSs ? 0x23 : 0);
     }},
    {"registers-written", "kernel:src/arch/x86_64/interrupt/handler.rs InterruptStack::load",
     [] {
         const uint64_t handle = OK(dup(OK(new_context()), "regs/int"));
         IntWords words{};
         words[kRflags] = kAll;
         words[kCs] = words[kSs] = 0x1234;
         words[kRip] = 0x4000;
         EXPECT(write(handle, words.data(), sizeof words), 160);
         EXPECT(read(handle, words.data(), sizeof words), 160);
         EXPECT(words[kRflags], 0xfd5);
         EXPECT(words[kCs], 0x2b);
         EXPECT(words[kSs], 0x23);
         EXPECT(words[kRip], 0x4000);
         words[kRflags] = 0;
         EXPECT(write(handle, words.data(), sizeof words), 160);
         EXPECT(read(handle, words.data(), sizeof words), 160);
         EXPECT(words[kRflags], 0x200);
     }},
    {"registers-sizes", "kernel:src/scheme/proc.rs ContextHandle::kwriteoff",
     [] {
         const uint64_t thread = OK(new_context());
         const uint64_t integers = OK(dup(thread, "regs/int"));
         EXPECT(read(integers, buffer, 8), 8);
         EXPECT(write(integers, buffer, 159), kEINVAL);
         const uint64_t floats = OK(dup(thread, "regs/float"));
         EXPECT(read(floats, buffer, 512), 416);
         EXPECT(write(floats, buffer, 415), kEINVAL);
         EXPECT(write(floats, buffer, 416), 416);
         const uint64_t bases = OK(dup(thread, "regs/env"));
         EXPECT(read(bases, buffer, 8), 8);
         EXPECT(write(bases, buffer, 8), kEINVAL);
     }},
    {"own-registers", "kernel:src/scheme/proc.rs ContextHandle::kreadoff",
     [] {
         const uint64_t handle = OK(dup(own_thread(), "regs/int"));
         IntWords words{};
         EXPECT(read(handle, words.data(), sizeof words), 160);
         EXPECT(words[10], abi::SYS_READ);  // rax
         EXPECT(words[14], handle);         // rdi
     }},
    {"bases", "kernel:src/context/arch/x86_64.rs write_env_regs",
     [] {
         const uint64_t handle = OK(dup(OK(new_context()), "regs/env"));
         std::array<uint64_t, 2> bases{1, 1};
         EXPECT(read(handle, bases.data(), 16), 16);
         EXPECT(bases[0], 0);
         EXPECT(bases[1], 0);
         bases = {kUserEnd, 0};
         EXPECT(write(handle, bases.data(), 16), kEINVAL);
         bases = {0, 0xffff'7fff'ffff'ffff};
         EXPECT(write(handle, bases.data(), 16), kEINVAL);
         bases = {0x7fff'0000'0000, 0xffff'8000'0000'0000};
         EXPECT(write(handle, bases.data(), 16), 16);
         EXPECT(read(handle, bases.data(), 16), 16);
         EXPECT(bases[0], 0x7fff'0000'0000);
         EXPECT(bases[1], 0xffff'8000'0000'0000);
     }},
    {"affinity", "kernel:src/scheme/proc.rs ContextHandle::kreadoff",
     [] {
         const uint64_t handle = OK(dup(OK(new_context()), "sched-affinity"));
         std::array<uint64_t, 2> mask{};
         EXPECT(read(handle, mask.data(), 15), kEINVAL);
         EXPECT(read(handle, mask.data(), 16), 16);
         EXPECT(mask[0], kAll);
         EXPECT(mask[1], kAll);
     }},
    {"lowest-address", "kernel:src/scheme/proc.rs ContextHandle::kwriteoff",
     [] {
         const uint64_t handle = OK(dup(OK(new_context()), "mmap-min-addr"));
         uint64_t value = 0;
         EXPECT(read(handle, &value, 8), 8);
         EXPECT(value, kPage);
         value = 0x1001;
         EXPECT(write(handle, &value, 8), kEINVAL);
     }},
    {"write-only-handles", "kernel:src/scheme/proc.rs ContextHandle::kreadoff",
     [] {
         for (const std::string_view name : {"current-addrspace", "current-filetable", "start"})
             EXPECT(read(OK(dup(OK(new_context()), name)), buffer, 8), kEBADF);
     }},
    {"choosing-a-space", "kernel:src/scheme/proc.rs ContextHandle::kwriteoff",
     [] {
         const uint64_t thread = OK(new_context());
         const uint64_t handle = OK(dup(thread, "current-addrspace"));
         std::array<uint64_t, 4> words{kClosed, 1, 1, 1};
         EXPECT(write(handle, words.data(), 24), kEBADF);
         words[0] = open_sys("uname");
         EXPECT(write(handle, words.data(), 24), kEBADF);
         words[0] = OK(dup(thread, "status"));
         EXPECT(write(handle, words.data(), 24), kEBADF);
         words[0] = OK(dup(own_thread(), "addrspace"));
         EXPECT(write(handle, words.data(), 16), kEINVAL);
         EXPECT(write(handle, words.data(), 24), 24);
         EXPECT(write(handle, words.data(), 24), kEBADF);
     }},
};

constexpr Probe kTableProbes[] = {
    {"text", "kernel:src/scheme/proc.rs open_inner",
     [] {
         const uint64_t low = OK(fcntl(0, Fcntl::kDupfd, 777));
         const uint64_t high = OK(fcntl(0, Fcntl::kDupfd, kTag | 777));
         (void)low;
         (void)high;
         const uint64_t table = OK(dup(own_thread(), "filetable"));
         const uint64_t size = OK(read(table, buffer, sizeof buffer));
         const std::string_view text(buffer, size);
         EXPECT_TRUE(text.starts_with("0\n"));
         const std::size_t low_at = text.find("\n777\n");
         const std::size_t high_at = text.find("\n4611686018427388681\n");
         EXPECT_TRUE(low_at != std::string_view::npos && high_at != std::string_view::npos);
         EXPECT_TRUE(low_at < high_at);
         EXPECT(read(table, buffer, 10), 0);
     }},
    {"binary", "kernel:src/scheme/proc.rs open_inner",
     [] {
         EXPECT(fcntl(0, Fcntl::kDupfd, 777), 777);
         const uint64_t table = OK(dup(own_thread(), "filetable-binary"));
         static std::array<uint64_t, 1024> numbers;
         const uint64_t size = OK(read(table, numbers.data(), sizeof numbers));
         EXPECT(size % 8, 0);
         uint64_t found = 0;
         for (std::size_t i = 0; i < size / 8; ++i) {
             EXPECT_TRUE(is_open(numbers[i]));
             EXPECT_TRUE(numbers[i] != table);
             if (numbers[i] == 777) ++found;
         }
         EXPECT(found, 1);
         EXPECT(write(table, buffer, 8), kEBADF);
     }},
    {"snapshot", "kernel:src/scheme/proc.rs open_inner",
     [] {
         const uint64_t table = OK(dup(own_thread(), "filetable"));
         const uint64_t size = OK(lseek(table, 0, 2));
         EXPECT(fcntl(0, Fcntl::kDupfd, 888), 888);
         EXPECT(lseek(table, 0, 2), size);
     }},
    {"copies-cannot-be-read", "kernel:src/scheme/proc.rs ContextHandle::kreadoff",
     [] {
         const uint64_t table = OK(dup(own_thread(), "filetable"));
         const uint64_t copy = OK(dup(table, "copy"));
         EXPECT(lseek(copy, 0, 2), OK(lseek(table, 0, 2)));
         EXPECT(lseek(copy, 0, 0), 0);
         EXPECT(read(copy, buffer, 100), kEBADF);
         EXPECT(dup(table, "x"), kEINVAL);
         EXPECT(dup(copy, "copy"), kEINVAL);
     }},
    {"of-a-new-context", "kernel:src/context/context.rs Context::new",
     [] { EXPECT(read(OK(dup(OK(new_context()), "filetable")), buffer, 100), 0); }},
    {"choosing-a-table", "kernel:src/scheme/proc.rs ContextHandle::kwriteoff",
     [] {
         const uint64_t thread = OK(new_context());
         const uint64_t handle = OK(dup(thread, "current-filetable"));
         uint64_t word = kClosed;
         EXPECT(write(handle, &word, 7), kEINVAL);
         EXPECT(write(handle, &word, 8), kEBADF);
         word = OK(dup(thread, "status"));
         EXPECT(write(handle, &word, 8), kEBADF);
         word = OK(dup(own_thread(), "filetable"));
         EXPECT(write(handle, &word, 8), 8);
         EXPECT(write(handle, &word, 8), kEBADF);
     }},
    {"chosen-at-the-last-close", "kernel:src/scheme/proc.rs close",
     [] {
         const uint64_t thread = OK(new_context());
         const uint64_t handle = OK(dup(thread, "current-filetable"));
         uint64_t word = OK(dup(own_thread(), "filetable"));
         EXPECT(write(handle, &word, 8), 8);
         const uint64_t second = OK(dup(handle));
         EXPECT(close(handle), 0);
         EXPECT(read(OK(dup(thread, "filetable")), buffer, 100), 0);
         EXPECT(close(second), 0);
         EXPECT_TRUE(OK(read(OK(dup(thread, "filetable")), buffer, 100)) > 0);
     }},
    {"copy-keeps-cloexec", "kernel:src/context/context.rs FdTbl",
     [] {
         EXPECT(fcntl(0, Fcntl::kDupfdCloexec, 640), 640);
         const uint64_t thread = OK(new_context());
         uint64_t word = OK(dup(OK(dup(own_thread(), "filetable")), "copy"));
         const uint64_t handle = OK(dup(thread, "current-filetable"));
         EXPECT(write(handle, &word, 8), 8);
         EXPECT(close(handle), 0);
         static std::array<char, 4096> text;
         const uint64_t size = OK(read(OK(dup(thread, "filetable")), text.data(), text.size()));
         EXPECT_TRUE(std::string_view(text.data(), size).find("\n640\n") != std::string_view::npos);
     }},
};

}  // namespace

Area handle_area() {
    return {"handles", "what a thread descriptor opens: registers and settings", kHandleProbes};
}

Area table_area() {
    return {"filetable", "file tables by descriptor", kTableProbes};
}

}  // namespace halfcell::userland::conform
