#include <algorithm>
#include <utility>

#include "abi/flags.h"
#include "kernel_shim/mem/address_space.h"
#include "kernel_shim/mem/map_request.h"
#include "schemes/file/file_scheme.h"
#include "schemes/file/transfer.h"

// Mapping files. Source: redoxfs:src/mount/redox/resource.rs fmap; kernel:src/scheme/user.rs fmap_inner.

namespace halfcell::file {

namespace {

// Keeps the description open as long as a mapping shows its file. Stores reach the file through the host's
// page cache, so an unmap has nothing to write back.
class MappedDescription final : public mem::GrantOwner {
  public:
    explicit MappedDescription(scheme::DescriptionRef description) : description_(std::move(description)) {}
    void unmapped(std::uint64_t, std::uint64_t, bool) override {}

  private:
    const scheme::DescriptionRef description_;
};

}  // namespace

// The bytes as they are now. Redox says nothing about later changes showing in private mappings, and there
// such a mapping cannot even be written to (it hangs); a copy is what POSIX programs expect.
Result<mem::MemoryRef> FileScheme::private_copy(Node& node, std::uint64_t offset, std::uint64_t size) const {
    mem::MemoryRef memory = TRY(pool_.allocate(size));
    const std::uint64_t end = TRY(node.stat()).st_size;
    std::uint64_t left = offset < end ? std::min(size, end - offset) : 0;
    if (std::byte* const direct = memory->direct(); direct != nullptr) {
        if (left != 0) TRY(node.read(offset, mem::UserOut::local(std::span(direct, left))));
        return memory;
    }
    std::vector<std::byte> bounce(std::min(left, kBounceSize));
    for (std::uint64_t done = 0; left != 0;) {
        const std::uint64_t wanted = std::min<std::uint64_t>(left, bounce.size());
        const std::uint64_t count =
            TRY(node.read(offset + done, mem::UserOut::local(std::span(bounce).first(wanted))));
        if (count == 0) break;
        TRY(memory->write(done, std::span(bounce).first(count)));
        done += count;
        left -= count;
    }
    return memory;
}

Result<std::uint64_t> FileScheme::fmap(const scheme::Caller&, HandleNumber number,
                                       const scheme::DescriptionRef& description, mem::AddressSpace& target,
                                       const abi::Map& map, bool) {
    using abi::MapFlags;
    const HandleRef handle = TRY(handles_.find(number));
    const mem::MapRequest request = TRY(mem::map_request(map, mem::RangeRule::kFile));
    if (!machine::page_aligned(map.offset) || map.offset > INT64_MAX - request.size)
        return fail(Errno::kEINVAL);
    if (handle->node->kind() != NodeKind::kFile)
        return fail(handle->is_directory() ? Errno::kEISDIR : Errno::kEBADF);
    const bool shared = (map.flags & MapFlags::kMapShared) != 0;
    const bool stores = (map.flags & MapFlags::kProtWrite) != 0;
    // Every mapping can be read on Redox, so a handle that cannot be read cannot be mapped.
    if (!handle->readable || (shared && stores && !handle->writable)) return fail(Errno::kEACCES);
    mem::MapSource source;
    source.kind = mem::GrantKind::kFile;
    source.object = shared ? TRY(handle->node->shared_memory(map.offset, request.size, handle->writable))
                           : TRY(private_copy(*handle->node, map.offset, request.size));
    source.file_offset = map.offset;
    source.owner = std::make_shared<MappedDescription>(description);
    return target.map(request, source);
}

}  // namespace halfcell::file
