#include <algorithm>

#include "abi/dirent.h"
#include "kernel_shim/scheme/redox_path.h"
#include "schemes/file/file_scheme.h"

// Listing directories.

namespace halfcell::file {

namespace {

constexpr std::size_t kBatch = 64 * 1024;

abi::DirentKind entry_kind(NodeKind kind) {
    switch (kind) {
        case NodeKind::kFile:
            return abi::DirentKind::kRegular;
        case NodeKind::kDirectory:
            return abi::DirentKind::kDirectory;
        case NodeKind::kSymlink:
            return abi::DirentKind::kSymlink;
        case NodeKind::kSocket:
            return abi::DirentKind::kSocket;
        case NodeKind::kOther:
            break;
    }
    return abi::DirentKind::kUnspecified;
}

}  // namespace

// The directory's own entries, with what is mounted in it over those it hides.
Result<std::shared_ptr<const FileScheme::Listing>> FileScheme::list(const Handle& handle) const {
    auto listing = std::make_shared<Listing>(TRY(handle.node->entries()));
    for (const Mount* mount : mounts_.inside(handle.current_path())) {
        if (!mount->listed) continue;
        const std::string_view name = scheme::split_reference(mount->path).name;
        std::erase_if(*listing, [&](const DirectoryEntry& entry) { return entry.name == name; });
        auto reached = mount->volume->open({}, OpenRequest{});
        if (!reached || !std::holds_alternative<NodeRef>(*reached)) continue;
        const NodeRef& node = std::get<NodeRef>(*reached);
        const Result<abi::Stat> stat = node->stat();
        listing->push_back(
            {.inode = stat ? stat->st_ino : 0, .kind = entry_kind(node->kind()), .name = std::string(name)});
    }
    return listing;
}

Result<std::uint64_t> FileScheme::getdents(const scheme::Caller&, HandleNumber number, const mem::UserOut& to,
                                           std::uint16_t header_size, std::uint64_t opaque_id) {
    const HandleRef handle = TRY(handles_.find(number));
    if (!handle->is_directory()) return fail(Errno::kENOTDIR);
    if (!handle->readable) return fail(Errno::kEBADF);
    if (header_size < sizeof(abi::DirentHeader)) return fail(Errno::kEIO);
    std::shared_ptr<const Listing> listing =
        handle->listing.with([](const auto& current) { return current; });
    if (listing == nullptr || opaque_id == 0) {
        listing = TRY(list(*handle));
        auto previous = listing;
        handle->listing.with([&](auto& current) { current.swap(previous); });
    }
    // An id is a place in the snapshot, so that entries removed meanwhile make no reader skip or repeat one.
    std::vector<std::uint8_t> packed(std::min<std::uint64_t>(to.size(), kBatch));
    abi::DirentWriter writer(packed.data(), packed.size(), header_size);
    for (std::uint64_t index = opaque_id; index < listing->size(); ++index) {
        const DirectoryEntry& entry = (*listing)[index];
        const auto status =
            writer.append(entry.inode, index + 1, entry.kind, entry.name.data(), entry.name.size());
        if (status == abi::DirentWriter::Status::kOk) continue;
        if (writer.written() == 0) return fail(Errno::kEINVAL);
        break;
    }
    TRY(to.write(0, std::as_bytes(std::span(packed).first(writer.written()))));
    return writer.written();
}

}  // namespace halfcell::file
