#include "schemes/common/directory.h"

namespace halfcell::schemes {

Result<std::uint64_t> reply_all_entries(const mem::UserOut& to, std::uint16_t header_size,
                                        const std::vector<DirectoryEntry>& entries) {
    std::uint64_t needed = 0;
    for (const DirectoryEntry& entry : entries)
        needed += header_size + entry.name.size() + 1;
    if (needed > to.size()) return fail(Errno::kEINVAL);
    std::vector<std::uint8_t> packed(needed);
    abi::DirentWriter writer(packed.data(), packed.size(), header_size);
    for (const DirectoryEntry& entry : entries) {
        const auto status = writer.append(entry.inode, entry.next_opaque_id, entry.kind, entry.name.data(),
                                          entry.name.size());
        if (status != abi::DirentWriter::Status::kOk) return fail(Errno::kEINVAL);
    }
    TRY(to.write(0, std::as_bytes(std::span(packed))));
    return needed;
}

}  // namespace halfcell::schemes
