#include "schemes/file/path_jail.h"

#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "kernel_shim/host/host_errno.h"
#include "kernel_shim/scheme/redox_path.h"
#include "kernel_shim/wait/host_call.h"

namespace halfcell::file {

namespace {

// openat2 answers EAGAIN when a rename anywhere raced with the walk; a retry settles it in practice.
constexpr int kRaceRetries = 16;

Result<host::UniqueFd> open_beneath(int directory, const char* path, int flags, mode_t mode,
                                    std::uint64_t resolve) {
    open_how how;
    std::memset(&how, 0, sizeof(how));
    how.flags = static_cast<std::uint64_t>(flags) | O_CLOEXEC;
    if ((flags & O_PATH) == 0) how.flags |= O_NOCTTY;
    how.mode = mode;
    how.resolve = resolve;
    for (int tries = 0;; ++tries) {
        const long file =
            wait::host_call([&] { return syscall(SYS_openat2, directory, path, &how, sizeof(how)); });
        if (file >= 0) return host::UniqueFd(static_cast<int>(file));
        if (errno == EAGAIN && tries < kRaceRetries) continue;
        // BENEATH's own refusal. A path without ".." cannot get there; EXDEV would tell libc that another
        // scheme is meant.
        if (errno == EXDEV) return fail(Errno::kENOENT);
        return fail(host::last_error());
    }
}

constexpr std::uint64_t kWholePath = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS;
// For one component with O_PATH|O_NOFOLLOW, which is allowed to be a link.
constexpr std::uint64_t kOneStep = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;

}  // namespace

Result<std::string> read_link(int link) {
    std::array<char, PATH_MAX> text;
    const ssize_t length = readlinkat(link, "", text.data(), text.size());
    // Linux answers ENOENT to the empty path of what is no link.
    if (length < 0) return fail(errno == ENOENT ? Errno::kEINVAL : host::last_error());
    return std::string(text.data(), static_cast<std::size_t>(length));
}

Result<PathJail> PathJail::create(const std::string& host_path) {
    const std::unique_ptr<char, decltype(&std::free)> real(realpath(host_path.c_str(), nullptr), &std::free);
    if (real == nullptr) return fail(host::last_error());
    struct stat status;
    if (stat(real.get(), &status) != 0) return fail(host::last_error());
    const std::string path = real.get();
    std::string directory = path;
    std::string only_name;
    if (!S_ISDIR(status.st_mode)) {
        const std::size_t slash = path.rfind('/');
        directory = slash == 0 ? "/" : path.substr(0, slash);
        only_name = path.substr(slash + 1);
    }
    host::UniqueFd root(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!root.is_open()) return fail(host::last_error());
    return PathJail(std::move(root), std::move(only_name));
}

Result<host::UniqueFd> PathJail::open(std::string_view path, int flags, mode_t mode) const {
    if (only_name_.empty()) {
        if (path.empty()) return open_beneath(root_.get(), ".", flags, mode, kWholePath);
        return open_beneath(root_.get(), std::string(path).c_str(), flags, mode, kWholePath);
    }
    const std::string inside = path.empty() ? only_name_ : only_name_ + "/" + std::string(path);
    return open_beneath(root_.get(), inside.c_str(), flags, mode, kWholePath);
}

Result<HostPlace> PathJail::place(std::string_view path) const {
    if (path.empty()) return fail(Errno::kEBUSY);
    const auto [parent, name] = scheme::split_reference(path);
    return HostPlace{TRY(open(parent, O_PATH | O_DIRECTORY)), std::string(name)};
}

Result<std::optional<LinkFound>> PathJail::first_link(std::string_view path, LastLink last) const {
    if (!only_name_.empty()) return std::nullopt;
    host::UniqueFd step;
    std::size_t start = 0;
    while (start < path.size()) {
        const std::size_t slash = std::min(path.find('/', start), path.size());
        const bool is_last = slash == path.size();
        if (is_last && last == LastLink::kKeep) break;
        const std::string name(path.substr(start, slash - start));
        const int from = step.is_open() ? step.get() : root_.get();
        step = TRY(open_beneath(from, name.c_str(), O_PATH | O_NOFOLLOW, 0, kOneStep));
        if (auto target = read_link(step.get())) {
            return LinkFound{.link = std::string(path.substr(0, slash)),
                             .target = std::move(*target),
                             .rest = std::string(is_last ? std::string_view{} : path.substr(slash + 1))};
        }
        start = slash + 1;
    }
    return std::nullopt;
}

}  // namespace halfcell::file
