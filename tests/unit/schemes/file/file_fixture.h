#pragma once

// A file scheme over one kind of volume, driven as a guest would. The same tests run over both kinds.

#include <dirent.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "abi/dirent.h"
#include "abi/flags.h"
#include "kernel_shim/scheme/event_registry.h"
#include "kernel_shim/scheme/registry.h"
#include "schemes/file/file_scheme.h"
#include "schemes/file/host_volume.h"
#include "schemes/memfs/mem_volume.h"
#include "tests/support/fake_machine.h"
#include "tests/support/temporary_directory.h"

namespace halfcell::test {

using abi::OpenFlags;

inline constexpr std::uint32_t kUser = 1000;
inline constexpr std::uint64_t kMemLimit = 16 << 20;

// Runs as an ordinary user where the suite is run by root: the host checks permissions, not we.
class AsOrdinaryUser {
  public:
    explicit AsOrdinaryUser(const std::string& directory) : was_root_(geteuid() == 0) {
        if (!was_root_) return;
        REQUIRE(chown(directory.c_str(), kUser, kUser) == 0);
        REQUIRE(setegid(kUser) == 0);
        REQUIRE(seteuid(kUser) == 0);
    }
    AsOrdinaryUser(const AsOrdinaryUser&) = delete;
    AsOrdinaryUser& operator=(const AsOrdinaryUser&) = delete;
    ~AsOrdinaryUser() {
        if (!was_root_) return;
        CHECK(seteuid(0) == 0);
        CHECK(setegid(0) == 0);
    }

  private:
    const bool was_root_;
};

struct OnHost {
    TemporaryDirectory directory;
    AsOrdinaryUser user{directory.path()};
    mode_t old_umask = umask(0);
    OnHost() = default;
    OnHost(const OnHost&) = delete;
    OnHost& operator=(const OnHost&) = delete;
    ~OnHost() { umask(old_umask); }
    std::shared_ptr<file::Volume> volume() {
        return file::HostVolume::create(directory.path(), file::Writes::kAllowed).value();
    }
    std::shared_ptr<file::Volume> read_only() {
        return file::HostVolume::create(directory.path(), file::Writes::kRefused).value();
    }
};

struct InMemory {
    std::shared_ptr<memfs::MemVolume> made = std::make_shared<memfs::MemVolume>(
        memfs::MemVolumeOptions{.limit = kMemLimit, .writes = file::Writes::kRefused, .first_inode = 1});
    InMemory() {
        const auto root = std::get<file::NodeRef>(made->open("", {}).value());
        REQUIRE(root->chown({}, kUser, kUser));
    }
    std::shared_ptr<file::Volume> volume() { return made; }
    std::shared_ptr<file::Volume> read_only() {
        made->seal();
        return made;
    }
};

template <typename T>
Errno error_of(const Result<T>& result) {
    REQUIRE_FALSE(result.has_value());
    return result.error();
}

// A scheme and a caller.
class Guest {
  public:
    explicit Guest(std::vector<file::Mount> mounts, std::string name = "file")
        : scheme(std::make_shared<file::FileScheme>(std::move(name), std::move(mounts), pool)) {
        id = registry.add(scheme).value();
        root = scheme->root().value().number;
    }
    explicit Guest(std::shared_ptr<file::Volume> volume)
        : Guest(std::vector<file::Mount>{{.path = "", .volume = std::move(volume)}}) {}

    Result<HandleNumber> open(std::string_view path, std::uint64_t flags) {
        return open_at(root, path, flags);
    }
    Result<HandleNumber> open_at(HandleNumber base, std::string_view path, std::uint64_t flags) {
        auto opened = scheme->openat(caller, base, path, flags, 0);
        if (!opened) return fail(opened.error());
        return std::get<scheme::OpenedHandle>(*opened).number;
    }
    Errno open_error(std::string_view path, std::uint64_t flags) { return error_of(open(path, flags)); }

    Result<std::string> read(HandleNumber number, std::size_t size = 4096, std::uint64_t offset = 0) {
        std::string text(size, '\0');
        const auto count = scheme->read_at(
            caller, number, mem::UserOut::local(std::as_writable_bytes(std::span(text))), offset, {});
        if (!count) return fail(count.error());
        text.resize(*count);
        return text;
    }
    Result<std::uint64_t> write(HandleNumber number, std::string_view text, std::uint64_t offset = 0,
                                std::uint32_t flags = 0) {
        return scheme->write_at(caller, number, mem::UserIn::local(text), offset, {flags, flags});
    }
    // A file with this content.
    void make_file(std::string_view path, std::string_view text = {}, std::uint16_t mode = 0644) {
        const auto number = open(path, OpenFlags::kCreat | OpenFlags::kExcl | OpenFlags::kRdwr | mode);
        REQUIRE(number.has_value());
        REQUIRE(write(*number, text) == text.size());
        REQUIRE(scheme->close(*number));
    }
    void make_directory(std::string_view path, std::uint16_t mode = 0755) {
        const auto number = open(path, OpenFlags::kCreat | OpenFlags::kExcl | OpenFlags::kDirectory | mode);
        REQUIRE(number.has_value());
        REQUIRE(scheme->close(*number));
    }
    void make_link(std::string_view path, std::string_view target) {
        const auto number = open(
            path, OpenFlags::kCreat | OpenFlags::kExcl | OpenFlags::kWronly | OpenFlags::kSymlink | 0777);
        REQUIRE(number.has_value());
        REQUIRE(write(*number, target) == target.size());
        REQUIRE(scheme->close(*number));
    }
    std::string content(std::string_view path) {
        const auto number = open(path, OpenFlags::kRdonly);
        REQUIRE(number.has_value());
        const auto text = read(*number, 1 << 16);
        REQUIRE(text.has_value());
        REQUIRE(scheme->close(*number));
        return *text;
    }
    abi::Stat stat(HandleNumber number) {
        abi::Stat stat{};
        REQUIRE(
            scheme->fstat(caller, number, mem::UserOut::local(std::as_writable_bytes(std::span(&stat, 1)))));
        return stat;
    }
    abi::Stat stat(std::string_view path) {
        const auto number = open(path, OpenFlags::kStat | OpenFlags::kNofollow);
        REQUIRE(number.has_value());
        const abi::Stat result = stat(*number);
        REQUIRE(scheme->close(*number));
        return result;
    }
    std::string path(HandleNumber number) {
        std::string text(4096, '\0');
        const auto size =
            scheme->fpath(caller, number, mem::UserOut::local(std::as_writable_bytes(std::span(text))));
        REQUIRE(size.has_value());
        text.resize(*size);
        return text;
    }
    Result<void> unlink(std::string_view path, std::uint64_t flags = 0) {
        return scheme->unlinkat(caller, root, path, flags);
    }
    Result<void> rename(std::string_view from, std::string_view to) {
        const auto number = open(from, OpenFlags::kStat | OpenFlags::kNofollow);
        if (!number) return fail(number.error());
        const auto result = scheme->frename(caller, *number, to);
        REQUIRE(scheme->close(*number));
        return result;
    }
    Result<void> link(std::string_view from, std::string_view to) {
        const auto number = open(from, OpenFlags::kStat | OpenFlags::kNofollow);
        if (!number) return fail(number.error());
        const auto result = scheme->flink(caller, *number, to);
        REQUIRE(scheme->close(*number));
        return result;
    }
    // Reads a whole directory through buffers of `size` bytes: name -> kind.
    Result<std::map<std::string, abi::DirentKind>> list(HandleNumber number, std::size_t size = 4096) {
        std::map<std::string, abi::DirentKind> entries;
        std::uint64_t next = 0;
        for (;;) {
            std::vector<std::byte> buffer(size);
            const auto length = scheme->getdents(caller, number, mem::UserOut::local(buffer),
                                                 sizeof(abi::DirentHeader), next);
            if (!length) return fail(length.error());
            if (*length == 0) return entries;
            abi::DirentReader reader(reinterpret_cast<const std::uint8_t*>(buffer.data()), *length);
            abi::Dirent entry;
            while (reader.next(entry) == abi::DirentReader::Status::kEntry) {
                CHECK(entries
                          .emplace(std::string(entry.name, entry.name_length),
                                   static_cast<abi::DirentKind>(entry.header.kind))
                          .second);
                next = entry.header.next_opaque_id;
            }
        }
    }
    std::map<std::string, abi::DirentKind> list(std::string_view path) {
        const auto number = open(path, OpenFlags::kRdonly | OpenFlags::kDirectory);
        REQUIRE(number.has_value());
        const auto entries = list(*number);
        REQUIRE(entries.has_value());
        return *entries;
    }

    FakePool pool;
    scheme::EventRegistry events;
    scheme::SchemeRegistry registry{events};
    wait::Waiter waiter;
    scheme::Caller caller{.context = ContextId{1}, .pid = 10, .uid = kUser, .gid = kUser, .waiter = waiter};
    std::shared_ptr<file::FileScheme> scheme;
    SchemeId id;
    HandleNumber root;
};

}  // namespace halfcell::test
