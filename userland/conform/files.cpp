// What programs expect of the file scheme.

#include "abi/proc_call.h"
#include "userland/conform/areas.h"
#include "userland/conform/objects.h"
#include "userland/rt/output.h"
#include "userland/rt/process.h"

namespace halfcell::userland::conform {
namespace {

using enum Errno;
using Kind = abi::StdFsCallKind;

char buffer[8192];

// A directory of this process's own, by descriptor.
uint64_t fresh_directory() {
    abi::ProcMeta meta{};
    OK(read(word(process().process), &meta, sizeof meta));
    // It stays; another run may be given the same id.
    const abi::TimeSpec now = *sys_clock_gettime(abi::Clock::kRealtime);
    const std::string path = concat("/scheme/file/tmp/conform-", meta.pid, '-', now.tv_sec, '-', now.tv_nsec);
    return OK(openat(word(process().name_space), path,
                     Open::kRdonly | Open::kCreat | Open::kExcl | Open::kDirectory | 0755));
}
uint64_t make_file(uint64_t directory, std::string_view name, std::string_view content = {}) {
    const uint64_t file = OK(openat(directory, name, Open::kRdwr | Open::kCreat | Open::kExcl | 0644));
    EXPECT(write(file, content.data(), content.size()), content.size());
    EXPECT(lseek(file, 0, 0), 0);
    return file;
}
uint64_t unlink(uint64_t directory, std::string_view name, uint64_t flags = 0) {
    return sc(abi::SYS_UNLINKAT, directory, name.data(), name.size(), flags);
}
uint64_t std_fs(uint64_t fd, Kind kind, void* payload, uint64_t size, uint64_t first = 0,
                uint64_t second = 0) {
    const std::array<uint64_t, 3> words{static_cast<uint64_t>(kind), first, second};
    return call(fd, payload, size, Call::kStdFs | 3, words.data());
}

constexpr Probe kFileProbes[] = {
    {"missing", "redoxfs:src/mount/redox/scheme.rs openat",
     [] {
         const uint64_t directory = fresh_directory();
         EXPECT(openat(directory, "none", Open::kRdonly), kENOENT);
         EXPECT(openat(directory, "none/below", Open::kRdonly | Open::kCreat), kENOENT);
         make_file(directory, "file");
         EXPECT(openat(directory, "file/below", Open::kRdonly), kENOTDIR);
     }},
    {"create-and-exclude", "redoxfs:src/mount/redox/scheme.rs openat",
     [] {
         const uint64_t directory = fresh_directory();
         make_file(directory, "file", "abc");
         EXPECT(openat(directory, "file", Open::kRdwr | Open::kCreat | Open::kExcl | 0644), kEEXIST);
         const uint64_t again = OK(openat(directory, "file", Open::kRdwr | Open::kCreat | 0600));
         EXPECT(read(again, buffer, 10), 3);
     }},
    {"kinds", "redoxfs:src/mount/redox/scheme.rs openat",
     [] {
         const uint64_t directory = fresh_directory();
         make_file(directory, "file");
         EXPECT(openat(directory, "file", Open::kRdonly | Open::kDirectory), kENOTDIR);
         EXPECT(openat(directory, "", Open::kRdwr), kEISDIR);
         EXPECT(openat(directory, "file", Open::kRdonly | Open::kSymlink), kEINVAL);
     }},
    {"access-mode", "redoxfs:src/mount/redox/scheme.rs read",
     [] {
         const uint64_t directory = fresh_directory();
         make_file(directory, "file", "abc");
         const uint64_t reader = OK(openat(directory, "file", Open::kRdonly));
         const uint64_t writer = OK(openat(directory, "file", Open::kWronly));
         EXPECT(write(reader, "x", 1), kEBADF);
         EXPECT(read(writer, buffer, 1), kEBADF);
     }},
    {"truncating-open", "redoxfs:src/mount/redox/scheme.rs openat",
     [] {
         const uint64_t directory = fresh_directory();
         const uint64_t file = make_file(directory, "file", "abc");
         OK(openat(directory, "file", Open::kWronly | Open::kTrunc));
         EXPECT(lseek(file, 0, 2), 0);
     }},
    {"truncate", "redoxfs:src/mount/redox/resource.rs truncate",
     [] {
         const uint64_t file = make_file(fresh_directory(), "file", "abcdef");
         EXPECT(sc(abi::SYS_FTRUNCATE, file, 2), 0);
         EXPECT(std_fs(file, Kind::kFtruncate, nullptr, 0, 5), 0);
         std::memset(buffer, '.', 8);
         EXPECT(read(file, buffer, 10), 5);
         EXPECT_TRUE(std::string_view(buffer, 6) == std::string_view("ab\0\0\0.", 6));
     }},
    {"append", "redoxfs:src/mount/redox/resource.rs write",
     [] {
         const uint64_t directory = fresh_directory();
         make_file(directory, "file", "abc");
         const uint64_t file = OK(openat(directory, "file", Open::kRdwr | Open::kAppend));
         EXPECT(write(file, "de", 2), 2);
         EXPECT(lseek(file, 0, 1), 2);
         EXPECT(lseek(file, 0, 2), 5);
     }},
    {"positioned-transfers", "kernel:src/syscall/mod.rs syscall",
     [] {
         const uint64_t file = make_file(fresh_directory(), "file", "abcdef");
         EXPECT(write2(file, "XY", 2, 2, kAll), 2);
         EXPECT(read2(file, buffer, 10, 1, kAll), 5);
         EXPECT_TRUE(std::string_view(buffer, 5) == "bXYef");
         EXPECT(lseek(file, 0, 1), 0);
     }},
    {"stat", "redoxfs:src/mount/redox/resource.rs stat",
     [] {
         const uint64_t directory = fresh_directory();
         const uint64_t file = make_file(directory, "file", "abc");
         abi::Stat stat{};
         EXPECT(std_fs(file, Kind::kFstat, &stat, sizeof stat), 0);
         EXPECT(stat.st_mode, abi::Mode::kFile | 0644);
         EXPECT(stat.st_size, 3);
         EXPECT(stat.st_nlink, 1);
         EXPECT(std_fs(directory, Kind::kFstat, &stat, sizeof stat), 0);
         EXPECT(stat.st_mode, abi::Mode::kDir | 0755);
     }},
    {"change-mode", "redoxfs:src/mount/redox/scheme.rs fchmod",
     [] {
         const uint64_t file = make_file(fresh_directory(), "file");
         abi::Stat stat{};
         EXPECT(std_fs(file, Kind::kFchmod, nullptr, 0, 0600), 0);
         EXPECT(std_fs(file, Kind::kFstat, &stat, sizeof stat), 0);
         EXPECT(stat.st_mode, abi::Mode::kFile | 0600);
     }},
    {"change-times", "redoxfs:src/mount/redox/scheme.rs futimens",
     [] {
         const uint64_t file = make_file(fresh_directory(), "file");
         const std::array<abi::TimeSpec, 2> times{abi::TimeSpec{100, 5}, abi::TimeSpec{200, 6}};
         EXPECT(sc(abi::SYS_FUTIMENS, file, times.data(), sizeof times), 0);
         abi::Stat stat{};
         EXPECT(std_fs(file, Kind::kFstat, &stat, sizeof stat), 0);
         EXPECT(stat.st_atime_sec, 100);
         EXPECT(stat.st_mtime_sec, 200);
     }},
    {"directories-are-not-files", "redoxfs:src/mount/redox/resource.rs DirResource",
     [] {
         const uint64_t directory = fresh_directory();
         EXPECT(read(directory, buffer, 10), kEISDIR);
         EXPECT(write(directory, buffer, 1), kEBADF);
         EXPECT(sc(abi::SYS_FTRUNCATE, directory, 0), kEBADF);
     }},
    {"directory-entries", "redoxfs:src/mount/redox/scheme.rs getdents",
     [] {
         const uint64_t parent = fresh_directory();
         make_file(parent, "one");
         make_file(parent, "two");
         const uint64_t directory = OK(openat(parent, "", Open::kRdonly | Open::kDirectory));
         const uint64_t size = OK(sc(abi::SYS_GETDENTS, directory, buffer, sizeof buffer, 19, 0));
         EXPECT(size, 2 * (19 + 4));
         const std::string_view text(buffer, size);
         EXPECT_TRUE(text.find(std::string_view("one\0", 4)) != std::string_view::npos);
         EXPECT_TRUE(text.find(std::string_view("two\0", 4)) != std::string_view::npos);
     }},
    {"unlink", "redoxfs:src/mount/redox/scheme.rs unlinkat",
     [] {
         const uint64_t directory = fresh_directory();
         const uint64_t file = make_file(directory, "file", "abc");
         EXPECT(unlink(directory, "file", abi::AtFlags::kRemovedir), kENOTDIR);
         EXPECT(unlink(directory, "file"), 0);
         EXPECT(unlink(directory, "file"), kENOENT);
         EXPECT(read(file, buffer, 10), 3);
     }},
    {"remove-directory", "redoxfs:src/mount/redox/scheme.rs unlinkat",
     [] {
         const uint64_t directory = fresh_directory();
         const uint64_t inner =
             OK(openat(directory, "inner", Open::kRdonly | Open::kCreat | Open::kDirectory | 0755));
         make_file(inner, "file");
         EXPECT(unlink(directory, "inner"), kEISDIR);
         EXPECT(unlink(directory, "inner", abi::AtFlags::kRemovedir), kENOTEMPTY);
         EXPECT(unlink(inner, "file"), 0);
         EXPECT(unlink(directory, "inner", abi::AtFlags::kRemovedir), 0);
     }},
    {"relative-paths-are-text", "redoxfs:src/mount/redox/scheme.rs openat",
     [] {
         const uint64_t directory = fresh_directory();
         make_file(directory, "file", "abc");
         OK(openat(directory, "./nowhere/../file", Open::kRdonly));
         OK(openat(directory, "../../../../tmp", Open::kRdonly | Open::kDirectory));
         OK(openat(directory, "/tmp", Open::kRdonly | Open::kDirectory));
     }},
    {"mappings", "redoxfs:src/mount/redox/scheme.rs mmap_prep",
     [] {
         const uint64_t file = make_file(fresh_directory(), "file", "abc");
         const uint64_t shared = OK(fmap(file, 0, kPage, kRw | kShared));
         EXPECT(load(shared) & 0xffff'ffff, 0x00636261);
         *reinterpret_cast<volatile char*>(shared) = 'X';
         EXPECT(read(file, buffer, 3), 3);
         EXPECT_TRUE(std::string_view(buffer, 3) == "Xbc");
         const uint64_t copy = OK(fmap(file, 0, kPage, kRw | abi::MapFlags::kMapPrivate));
         *reinterpret_cast<volatile char*>(copy) = 'Y';
         EXPECT(*reinterpret_cast<volatile char*>(shared), 'X');
     }},
    {"no-events", "redoxfs:src/mount/redox/scheme.rs fevent",
     [] { EXPECT(fevent(make_file(fresh_directory(), "file"), 1), kEPERM); }},
};

}  // namespace

Area file_area() {
    return {"files", "what programs expect of the file scheme", kFileProbes};
}

}  // namespace halfcell::userland::conform
