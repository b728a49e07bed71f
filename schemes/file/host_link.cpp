#include <fcntl.h>
#include <unistd.h>

#include <climits>
#include <cstring>

#include "kernel_shim/host/host_errno.h"
#include "schemes/file/host_calls.h"
#include "schemes/file/host_node.h"
#include "schemes/file/transfer.h"

namespace halfcell::file {

HostLink::HostLink(std::shared_ptr<const HostTree> tree, std::string path, host::UniqueFd file)
    : tree_(std::move(tree)), path_(std::move(path)) {
    if (file.is_open()) {
        auto opened = std::make_shared<const host::UniqueFd>(std::move(file));
        file_.with([&](auto& current) { current = std::move(opened); });
    }
}

std::shared_ptr<const host::UniqueFd> HostLink::file() const {
    return file_.with([](const auto& current) { return current; });
}

Result<std::shared_ptr<const host::UniqueFd>> HostLink::existing() const {
    auto current = file();
    if (current == nullptr) return fail(Errno::kENOENT);
    return current;
}

Result<FileKey> HostLink::key() const {
    const auto current = TRY(existing());
    const struct stat status = TRY(host_stat(current->get()));
    return FileKey{status.st_dev, status.st_ino};
}

Result<abi::Stat> HostLink::stat() const {
    if (const auto current = file()) return guest_stat(*tree_, TRY(host_stat(current->get())));
    abi::Stat stat{};
    stat.st_mode = abi::Mode::kSymlink | 0777;
    stat.st_nlink = 1;
    return stat;
}

Result<abi::StatVfs> HostLink::statvfs() const {
    return host_statvfs(TRY(existing())->get());
}

Result<std::string> HostLink::target() const {
    if (const auto current = file()) return read_link(current->get());
    return std::string{};
}

Result<std::uint64_t> HostLink::read(std::uint64_t offset, const mem::UserOut& to) {
    const std::string text = TRY(target());
    if (offset >= text.size()) return 0;
    return to.write_common(std::string_view(text).substr(offset));
}

Result<std::uint64_t> HostLink::write(std::uint64_t offset, WriteAt where, Durability,
                                      const mem::UserIn& from) {
    std::string text = TRY(target());
    const std::string added = TRY(from.read_string(PATH_MAX - 1));
    const std::uint64_t at = where == WriteAt::kEnd ? text.size() : offset;
    if (at > PATH_MAX - 1 - added.size()) return fail(Errno::kENAMETOOLONG);
    if (added.find('\0') != std::string::npos || at > text.size()) return fail(Errno::kEINVAL);
    if (added.empty()) return 0;
    text.replace(at, added.size(), added);
    TRY(set_target(text));
    return added.size();
}

Result<void> HostLink::truncate(std::uint64_t size) {
    std::string text = TRY(target());
    if (size > text.size()) return fail(Errno::kEINVAL);
    // A link without text cannot exist on the host; the write that follows gives it its new one.
    if (size == 0 || size == text.size()) return {};
    text.resize(size);
    return set_target(text);
}

Result<void> HostLink::set_target(const std::string& target) {
    if (tree_->read_only()) return fail(Errno::kEROFS);
    const HostPlace place = TRY(tree_->jail.place(path_));
    if (file() == nullptr) {
        if (symlinkat(target.c_str(), place.directory.get(), place.name.c_str()) != 0)
            return fail(host::last_error());
    } else {
        // Unique among our own threads and processes; a leftover of a crash is met with EEXIST.
        const std::string temporary =
            ".halfcell-link-" + std::to_string(getpid()) + "-" + std::to_string(gettid());
        if (symlinkat(target.c_str(), place.directory.get(), temporary.c_str()) != 0)
            return fail(host::last_error());
        if (renameat(place.directory.get(), temporary.c_str(), place.directory.get(), place.name.c_str()) !=
            0) {
            const Errno error = host::last_error();
            unlinkat(place.directory.get(), temporary.c_str(), 0);
            return fail(error);
        }
    }
    auto reopened = std::make_shared<const host::UniqueFd>(TRY(tree_->jail.open(path_, O_PATH | O_NOFOLLOW)));
    file_.with([&](auto& current) { current.swap(reopened); });
    return {};
}

Result<void> HostLink::chmod(Identity, std::uint16_t) {
    // Linux has no modes on links.
    return fail(Errno::kEOPNOTSUPP);
}

Result<void> HostLink::chown(Identity, std::uint32_t uid, std::uint32_t gid) {
    if (tree_->read_only()) return fail(Errno::kEROFS);
    return host_chown(TRY(existing())->get(), uid, gid);
}

Result<void> HostLink::set_times(Identity, const abi::TimeSpec& access, const abi::TimeSpec& modification) {
    if (tree_->read_only()) return fail(Errno::kEROFS);
    return host_set_times(TRY(existing())->get(), access, modification);
}

}  // namespace halfcell::file
