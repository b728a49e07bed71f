#include "userland/rt/file.h"

#include <array>

#include "userland/rt/input.h"
#include "userland/rt/output.h"
#include "userland/rt/path.h"
#include "userland/rt/process.h"

namespace halfcell::userland {
namespace {

using abi::OpenFlags;

constexpr int kMaxLinks = 63;

std::string absolute(std::string_view path) {
    return canonical_path(process().working_directory, path);
}

// "a/.." is nothing only where `a` can be entered.
Result<void> check_steps_back(std::string_view path) {
    std::size_t at = path.find("/..");
    while (at != std::string_view::npos) {
        const std::string_view before = path.substr(0, at);
        const bool whole = at + 3 == path.size() || path[at + 3] == '/';
        const std::string_view last = base_name(before);
        if (whole && last != ".." && last != "." && !before.empty()) {
            const std::string reference = relative_reference(before);
            const UniqueFd parent(
                RT_TRY(sys_openat(process().directory, reference, OpenFlags::kStat | OpenFlags::kCloexec)));
        }
        at = path.find("/..", at + 3);
    }
    return {};
}

// The descriptors behind the names of libc's own pseudo scheme, which no server ever sees.
Result<UniqueFd> open_standard_stream(std::string_view name) {
    if (name == "/scheme/libc/stdin") return UniqueFd(RT_TRY(sys_dup(Fd::kStdin, "")));
    if (name == "/scheme/libc/stdout") return UniqueFd(RT_TRY(sys_dup(Fd::kStdout, "")));
    if (name == "/scheme/libc/stderr") return UniqueFd(RT_TRY(sys_dup(Fd::kStderr, "")));
    if (name == "/scheme/libc/tty") {
        const std::string_view terminal = environment_variable("TTY");
        if (!terminal.empty()) return open_file(terminal, OpenFlags::kRdwr | OpenFlags::kCloexec);
    }
    return Errno::kENOENT;
}

Result<std::string> read_link_at(Fd directory, std::string_view reference) {
    const UniqueFd link(RT_TRY(
        sys_openat(directory, reference, OpenFlags::kRdonly | OpenFlags::kSymlink | OpenFlags::kCloexec)));
    std::array<char, 4096> target;
    const std::size_t size = RT_TRY(read_some(link.fd(), std::as_writable_bytes(std::span(target))));
    return std::string(target.data(), size);
}

}  // namespace

Result<UniqueFd> open_file(std::string_view path, std::uint64_t flags, std::uint16_t mode) {
    if (path.empty()) return Errno::kENOENT;
    if ((flags & OpenFlags::kCreat) != 0) flags |= mode & ~process().umask & 07777;

    Fd directory = process().name_space;
    std::string reference;
    if (is_absolute_path(path) || process().directory == Fd::kNone) {
        reference = scheme_path(absolute(path));
    } else {
        RT_TRY(check_steps_back(path));
        directory = process().directory;
        reference = relative_reference(path);
    }
    std::string current = absolute(path);
    for (int links = 0; links < kMaxLinks; ++links) {
        if (reference.starts_with("/scheme/libc/")) return open_standard_stream(reference);
        const Result<Fd> opened = sys_openat(directory, reference, flags);
        if (opened) return UniqueFd(*opened);
        if (opened.error() != Errno::kEXDEV) return opened.error();
        const std::string target = RT_TRY(read_link_at(directory, reference));
        current = canonical_path(directory_name(current), target);
        directory = process().name_space;
        reference = scheme_path(current);
    }
    return Errno::kELOOP;
}

Result<abi::Stat> stat_file(std::string_view path, FollowLinks follow) {
    std::uint64_t flags = OpenFlags::kStat | OpenFlags::kCloexec;
    if (follow == FollowLinks::kNo) flags |= OpenFlags::kNofollow;
    const UniqueFd file = RT_TRY(open_file(path, flags));
    return sys_fstat(file.fd());
}

Result<abi::StatVfs> stat_file_system(std::string_view path) {
    const UniqueFd file = RT_TRY(open_file(path, OpenFlags::kStat | OpenFlags::kCloexec));
    return sys_fstatvfs(file.fd());
}

Result<void> make_directory(std::string_view path, std::uint16_t mode) {
    RT_TRY(open_file(path, OpenFlags::kCreat | OpenFlags::kDirectory | OpenFlags::kExcl | OpenFlags::kCloexec,
                     mode));
    return {};
}

Result<void> remove_file(std::string_view path) {
    if (path.empty()) return Errno::kENOENT;
    return sys_unlinkat(process().name_space, scheme_path(absolute(path)), 0);
}

Result<void> remove_directory(std::string_view path) {
    if (path.empty()) return Errno::kENOENT;
    return sys_unlinkat(process().name_space, scheme_path(absolute(path)), abi::AtFlags::kRemovedir);
}

namespace {

// The scheme of a canonical path, for the comparison the kernel leaves to us.
std::string_view scheme_name(std::string_view canonical) {
    constexpr std::string_view kPrefix = "/scheme/";
    if (!canonical.starts_with(kPrefix)) return "file";
    canonical.remove_prefix(kPrefix.size());
    return canonical.substr(0, canonical.find('/'));
}

Result<std::string> target_in_same_scheme(std::string_view from, std::string_view to) {
    if (from.empty() || to.empty()) return Errno::kENOENT;
    std::string target = absolute(to);
    if (scheme_name(absolute(from)) != scheme_name(target)) return Errno::kEXDEV;
    return target;
}

}  // namespace

Result<void> rename_file(std::string_view from, std::string_view to) {
    const std::string target = RT_TRY(target_in_same_scheme(from, to));
    const UniqueFd source =
        RT_TRY(open_file(from, OpenFlags::kStat | OpenFlags::kNofollow | OpenFlags::kCloexec));
    return sys_frename(source.fd(), target);
}

Result<void> make_hard_link(std::string_view from, std::string_view to) {
    const std::string target = RT_TRY(target_in_same_scheme(from, to));
    const UniqueFd source =
        RT_TRY(open_file(from, OpenFlags::kStat | OpenFlags::kNofollow | OpenFlags::kCloexec));
    return sys_flink(source.fd(), target);
}

Result<void> make_symbolic_link(std::string_view target, std::string_view path) {
    const UniqueFd link = RT_TRY(open_file(
        path,
        OpenFlags::kCreat | OpenFlags::kExcl | OpenFlags::kWronly | OpenFlags::kSymlink | OpenFlags::kCloexec,
        0777));
    return write_all(link.fd(), target);
}

Result<std::string> read_symbolic_link(std::string_view path) {
    if (path.empty()) return Errno::kENOENT;
    if (is_absolute_path(path)) return read_link_at(process().name_space, scheme_path(absolute(path)));
    return read_link_at(process().directory, relative_reference(path));
}

Result<void> change_mode(std::string_view path, std::uint16_t mode) {
    const UniqueFd file = RT_TRY(open_file(path, OpenFlags::kStat | OpenFlags::kCloexec));
    return sys_fchmod(file.fd(), mode);
}

Result<void> set_file_times(std::string_view path, const abi::TimeSpec& access,
                            const abi::TimeSpec& modification, FollowLinks follow) {
    std::uint64_t flags = OpenFlags::kStat | OpenFlags::kCloexec;
    if (follow == FollowLinks::kNo) flags |= OpenFlags::kNofollow;
    const UniqueFd file = RT_TRY(open_file(path, flags));
    const std::array times{access, modification};
    return sys_futimens(file.fd(), times);
}

Result<std::string> real_path(std::string_view path) {
    const UniqueFd file = RT_TRY(open_file(path, OpenFlags::kStat | OpenFlags::kCloexec));
    std::array<char, 4096> buffer;
    const std::size_t size = RT_TRY(sys_fpath(file.fd(), buffer));
    const std::string text = canonical_path("/", std::string_view(buffer.data(), size));
    constexpr std::string_view kFile = "/scheme/file";
    if (text == kFile) return std::string("/");
    return text.starts_with("/scheme/file/") ? text.substr(kFile.size()) : text;
}

}  // namespace halfcell::userland
