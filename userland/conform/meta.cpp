// What files say about themselves, directories of the kernel, and the two calls with paths of their own.

#include "abi/dirent.h"
#include "userland/conform/areas.h"
#include "userland/conform/objects.h"

namespace halfcell::userland::conform {
namespace {

using enum Errno;

char buffer[4096];

uint64_t fstat(uint64_t fd, void* to, uint64_t size) {
    return sc(abi::SYS_FSTAT, fd, to, size);
}
uint64_t fpath(uint64_t fd, uint64_t size) {
    return sc(abi::SYS_FPATH, fd, buffer, size);
}
uint64_t getdents(uint64_t fd, uint64_t size, uint64_t opaque) {
    return sc(abi::SYS_GETDENTS, fd, buffer, size, 19, opaque);
}
uint64_t flink(uint64_t fd, std::string_view path) {
    return sc(abi::SYS_FLINK, fd, path.data(), path.size());
}
uint64_t frename(uint64_t fd, std::string_view path) {
    return sc(abi::SYS_FRENAME, fd, path.data(), path.size());
}
bool says(std::string_view text) {
    return std::string_view(buffer, text.size()) == text;
}

constexpr Probe kMetaProbes[] = {
    {"stat-of-a-pipe", "kernel:src/scheme/pipe.rs kfstat",
     [] {
         abi::Stat stat{};
         std::memset(&stat, 0xaa, sizeof stat);
         EXPECT(fstat(open_pipe().reader, &stat, sizeof stat), 0);
         EXPECT(stat.st_dev, 4);
         EXPECT(stat.st_ino, 0);
         EXPECT(stat.st_mode, abi::Mode::kFifo | 0666);
         EXPECT(stat.st_nlink, 0);
         EXPECT(stat._padding_mode, 0);
     }},
    {"stat-of-a-sys-file", "kernel:src/scheme/sys/mod.rs kfstat",
     [] {
         abi::Stat stat{};
         const uint64_t file = open_sys("uname");
         EXPECT(fstat(file, &stat, sizeof stat), 0);
         EXPECT(stat.st_dev, 8);
         EXPECT(stat.st_mode, abi::Mode::kFile | 0666);
         EXPECT(stat.st_size, OK(lseek(file, 0, 2)));
     }},
    {"stat-sizes", "kernel:src/syscall/fs.rs fstat",
     [] {
         const uint64_t fd = open_pipe().reader;
         EXPECT(fstat(fd, buffer, 103), kEINVAL);
         EXPECT(fstat(fd, buffer, 7), kEINVAL);
         std::memset(buffer, 0x55, 112);
         EXPECT(fstat(fd, buffer, 112), 0);
         EXPECT(buffer[104], 0x55);
     }},
    {"statvfs", "kernel:src/scheme/mod.rs KernelScheme::kfstatvfs",
     [] { EXPECT(sc(abi::SYS_FSTATVFS, open_pipe().reader, buffer, 32), kEBADF); }},
    {"path", "kernel:src/scheme/pipe.rs kfpath",
     [] {
         const uint64_t fd = open_pipe().reader;
         EXPECT(fpath(fd, 100), 13);
         EXPECT_TRUE(says("/scheme/pipe/"));
         EXPECT(sc(abi::SYS_FPATH, fd, 0, 0), 0);
     }},
    {"path-is-cut", "kernel:src/scheme/mod.rs KernelScheme::kfpath",
     [] {
         std::memset(buffer, '.', 8);
         EXPECT(fpath(open_pipe().reader, 3), 3);
         EXPECT_TRUE(says("/sc....."));
     }},
    {"path-of-a-sys-file", "kernel:src/scheme/sys/mod.rs kfpath",
     [] {
         EXPECT(fpath(open_sys("uname"), 100), 17);
         EXPECT_TRUE(says("/scheme/sys/uname"));
     }},
    {"path-of-memory", "kernel:src/scheme/memory.rs kfpath",
     [] {
         EXPECT(fpath(OK(open_kernel(abi::GlobalSchemes::kMemory, "zeroed")), 100), 15);
         EXPECT_TRUE(says("/scheme/memory/"));
     }},
    {"unsupported-changes", "kernel:src/scheme/mod.rs KernelScheme",
     [] {
         const uint64_t fd = open_pipe().reader;
         EXPECT(sc(abi::SYS_FCHMOD, fd, 0), kEBADF);
         EXPECT(sc(abi::SYS_FCHOWN, fd, 0, 0), kEBADF);
         EXPECT(sc(abi::SYS_FTRUNCATE, fd, 0), kEBADF);
         EXPECT(sc(abi::SYS_FUTIMENS, fd, buffer, 32), kEBADF);
     }},
    {"sync", "kernel:src/scheme/mod.rs KernelScheme::fsync",
     [] {
         EXPECT(sc(abi::SYS_FSYNC, open_pipe().reader), 0);
         EXPECT(sc(abi::SYS_FSYNC, open_sys("uname")), 0);
     }},
    {"unlink", "kernel:src/scheme/mod.rs KernelScheme::unlinkat",
     [] {
         EXPECT(sc(abi::SYS_UNLINKAT, open_pipe().reader, "x", 1, 0), kENOENT);
         EXPECT(sc(abi::SYS_UNLINKAT, open_sys(""), "uname", 5, 0), kENOENT);
     }},
    {"link-and-rename", "kernel:src/scheme/mod.rs KernelScheme::frename",
     [] {
         const uint64_t fd = open_pipe().reader;
         EXPECT(flink(fd, "/scheme/file/x"), kEBADF);
         EXPECT(flink(fd, "/"), kEBADF);
         EXPECT(flink(fd, "x:y"), kEBADF);
         EXPECT(frename(fd, "/ok"), kEBADF);
     }},
    {"paths-of-link-and-rename", "kernel:src/syscall/fs.rs frename",
     [] {
         const uint64_t fd = open_pipe().reader;
         EXPECT(flink(fd, "/a//b"), kEINVAL);
         EXPECT(flink(fd, "rel"), kEINVAL);
         EXPECT(frename(fd, "/a/../b"), kEINVAL);
         EXPECT(frename(fd, "/a/./b"), kEINVAL);
         EXPECT(frename(fd, ""), kEINVAL);
         EXPECT(sc(abi::SYS_FRENAME, fd, buffer, 4097), kENAMETOOLONG);
         EXPECT(frename(fd, "/\xff"), kEINVAL);
     }},
};

constexpr Probe kSysProbes[] = {
    {"list", "kernel:src/scheme/sys/mod.rs getdents",
     [] {
         const uint64_t fd = open_sys("");
         EXPECT(getdents(fd, sizeof buffer, 0), 364);
         std::string_view names =
             "block context cpu exe iostat irq log syscall uname env spurious_irq stat "
             "update_time_offset kstop ";
         std::size_t at = 0;
         for (uint64_t index = 0; at < 364; ++index) {
             abi::DirentHeader header;
             std::memcpy(&header, buffer + at, sizeof header);
             const std::string_view name = names.substr(0, names.find(' '));
             names.remove_prefix(name.size() + 1);
             EXPECT(+header.inode, index);
             EXPECT(+header.next_opaque_id, index + 1);
             EXPECT(+header.record_len, 19 + name.size() + 1);
             EXPECT(+header.kind, 8);
             EXPECT_TRUE(std::string_view(buffer + at + 19) == name);
             at += header.record_len;
         }
         EXPECT_TRUE(names.empty());
     }},
    {"list-in-too-small-a-buffer", "kernel:src/scheme/sys/mod.rs getdents",
     [] { EXPECT(getdents(open_sys(""), 100, 0), kEINVAL); }},
    {"list-from-an-entry", "kernel:src/scheme/sys/mod.rs getdents",
     [] {
         const uint64_t fd = open_sys("");
         EXPECT(getdents(fd, sizeof buffer, 13), 25);
         EXPECT(getdents(fd, sizeof buffer, 14), 0);
         EXPECT(getdents(fd, sizeof buffer, 100), 0);
         EXPECT(getdents(fd, 10, 14), 0);
     }},
    {"list-of-a-file", "kernel:src/scheme/sys/mod.rs getdents",
     [] { EXPECT(getdents(open_sys("uname"), sizeof buffer, 0), kENOTDIR); }},
    {"list-of-a-pipe", "kernel:src/scheme/mod.rs KernelScheme::getdents",
     [] { EXPECT(getdents(open_pipe().reader, sizeof buffer, 0), kEOPNOTSUPP); }},
    {"read-of-a-directory", "kernel:src/scheme/sys/mod.rs kreadoff",
     [] { EXPECT(read(open_sys(""), buffer, 10), kEBADF); }},
    {"names", "kernel:src/scheme/sys/mod.rs kopenat",
     [] {
         EXPECT(open_kernel(abi::GlobalSchemes::kSys, "nope"), kENOENT);
         EXPECT(openat(open_sys("uname"), "nope"), kENOENT);
     }},
    {"openat-on-any-handle", "kernel:src/scheme/sys/mod.rs kopenat",
     [] {
         const uint64_t file = OK(openat(open_sys("env"), "uname"));
         EXPECT(read(file, buffer, 5), 5);
         EXPECT_TRUE(says(kUname));
     }},
    {"uname", "kernel:src/scheme/sys/uname.rs resource",
     [] {
         const uint64_t size = OK(read(open_sys("uname"), buffer, 100));
         const std::string_view text(buffer, size);
         EXPECT_TRUE(text.starts_with("Redox\n0.5.12\nx86_64\n"));
     }},
    {"exe", "kernel:src/scheme/sys/exe.rs resource",
     [] {
         const uint64_t size = OK(read(open_sys("exe"), buffer, 1000));
         EXPECT_TRUE(size > 0);
     }},
    {"context-table", "kernel:src/scheme/sys/context.rs resource",
     [] {
         OK(read(open_sys("context"), buffer, sizeof buffer));
         EXPECT_TRUE(says("PID   EUID  EGID  STAT  CPU   AFFINITY   TIME        PRIVATE SHARED  NAME\n"));
     }},
    {"files-are-written-when-opened", "kernel:src/scheme/sys/mod.rs kopenat",
     [] {
         const uint64_t file = open_sys("iostat");
         const uint64_t size = OK(lseek(file, 0, 2));
         for (int i = 0; i < 20; ++i)
             OK(dup(0));
         EXPECT(lseek(file, 0, 2), size);
         EXPECT_TRUE(OK(lseek(open_sys("iostat"), 0, 2)) > size);
     }},
    {"writing-is-refused", "kernel:src/scheme/sys/mod.rs kwriteoff",
     [] { EXPECT(write(open_sys("uname"), "x", 1), kEISDIR); }},
};

}  // namespace

Area meta_area() {
    return {"metadata", "fstat, fpath and their like on kernel schemes", kMetaProbes};
}

Area sys_area() {
    return {"sys", "the sys scheme and its directory", kSysProbes};
}

}  // namespace halfcell::userland::conform
