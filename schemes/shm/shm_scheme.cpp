#include "schemes/shm/shm_scheme.h"

#include <utility>

#include "kernel_shim/machine/page_range.h"
#include "schemes/common/wire.h"
#include "schemes/file/map_node.h"

namespace halfcell::schemes {

using abi::OpenFlags;
using scheme::Caller;
using scheme::OpenedHandle;
using scheme::OpenResult;

namespace {

// What a file system says of its space, memory says of itself.
Errno memory_error(Errno error) {
    if (error == Errno::kENOSPC) return Errno::kENOMEM;
    return error == Errno::kEFBIG ? Errno::kERANGE : error;
}

}  // namespace

ShmScheme::ShmScheme(std::uint64_t limit, machine::Pool& pool)
    : tree_(std::make_shared<memfs::MemTree>(limit, file::Writes::kAllowed)), pool_(pool) {}

Result<std::shared_ptr<memfs::MemNode>> ShmScheme::make_memory(const Caller& caller) {
    if (!tree_->budget->take(memfs::kInodeCost)) return fail(Errno::kENOMEM);
    const std::uint64_t number = tree_->lock.with([](std::uint64_t& counter) { return ++counter; });
    constexpr std::uint16_t kEverything = 0777;
    auto inode = std::make_shared<memfs::Inode>(tree_->budget, number, file::NodeKind::kFile, kEverything,
                                                file::Identity{caller.uid, caller.gid});
    return std::make_shared<memfs::MemNode>(tree_, std::move(inode));
}

Result<OpenResult> ShmScheme::open(const Caller& caller, std::string_view path, std::uint64_t flags) {
    const bool create = (flags & OpenFlags::kCreat) != 0;
    std::shared_ptr<memfs::MemNode> fresh;
    if (create) fresh = TRY(make_memory(caller));
    const auto memory = TRY(names_.with([&](Names& names) -> Result<std::shared_ptr<memfs::MemNode>> {
        auto it = names.find(path);
        if (it != names.end() && create && (flags & OpenFlags::kExcl) != 0) return fail(Errno::kEEXIST);
        if (it == names.end() && !create) return fail(Errno::kENOENT);
        if (it == names.end()) it = names.emplace(path, Named{.memory = fresh}).first;
        ++it->second.handles;
        return it->second.memory;
    }));
    auto handle = std::make_shared<ShmHandle>(std::string(path), memory, flags);
    return OpenedHandle{.number = handles_.add(std::move(handle)), .positioned = true};
}

void ShmScheme::closed(HandleNumber, const std::shared_ptr<ShmHandle>& handle) {
    names_.with([&](Names& names) {
        const auto it = names.find(handle->name);
        if (--it->second.handles == 0 && it->second.unlinked) names.erase(it);
    });
}

Result<void> ShmScheme::unlinkat(const Caller&, HandleNumber base, std::string_view path,
                                 std::uint64_t flags) {
    if (base != kRoot) {
        TRY(handles_.find(base));
        return fail(Errno::kEACCES);
    }
    if ((flags & abi::AtFlags::kRemovedir) != 0) return fail(Errno::kENOTDIR);
    return names_.with([&](Names& names) -> Result<void> {
        const auto it = names.find(path);
        if (it == names.end()) return fail(Errno::kENOENT);
        it->second.unlinked = true;
        if (it->second.handles == 0) names.erase(it);
        return {};
    });
}

Result<std::uint64_t> ShmScheme::read_at(const Caller&, HandleNumber number, const mem::UserOut& to,
                                         std::uint64_t offset, scheme::TransferFlags) {
    return TRY(handles_.find(number))->memory->read(offset, to);
}

Result<std::uint64_t> ShmScheme::write_at(const Caller&, HandleNumber number, const mem::UserIn& from,
                                          std::uint64_t offset, scheme::TransferFlags) {
    const auto handle = TRY(handles_.find(number));
    return handle->memory->write(offset, file::WriteAt::kOffset, file::Durability::kCached, from)
        .map_error(memory_error);
}

Result<std::uint64_t> ShmScheme::fsize(const Caller&, HandleNumber number) {
    return TRY(handles_.find(number))->memory->inode().size();
}

Result<void> ShmScheme::ftruncate(const Caller&, HandleNumber number, std::uint64_t size) {
    return TRY(handles_.find(number))->memory->truncate(size).map_error(memory_error);
}

Result<std::uint64_t> ShmScheme::fpath(const Caller&, HandleNumber number, const mem::UserOut& to) {
    return to.write_common("/scheme/shm/" + TRY(handles_.find(number))->name);
}

Result<void> ShmScheme::fstat(const Caller&, HandleNumber number, const mem::UserOut& to) {
    return reply_stat(to, abi::Mode::kFile, TRY(handles_.find(number))->memory->inode().size());
}

Result<std::uint64_t> ShmScheme::fmap(const Caller&, HandleNumber number,
                                      const scheme::DescriptionRef& description, mem::AddressSpace& target,
                                      const abi::Map& map, bool) {
    const auto handle = TRY(handles_.find(number));
    const std::uint64_t end = machine::page_round_up(handle->memory->inode().size());
    if (map.offset > end || map.size > end - map.offset) return fail(Errno::kERANGE);
    return file::map_node(*handle->memory, {.readable = true, .writable = true}, pool_, description, target,
                          map);
}

}  // namespace halfcell::schemes
