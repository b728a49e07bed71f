#include <algorithm>
#include <utility>

#include "abi/flags.h"
#include "kernel_shim/mem/address_space.h"
#include "kernel_shim/mem/map_request.h"
#include "kernel_shim/scheme/file_grant_owner.h"
#include "schemes/file/file_scheme.h"
#include "schemes/file/transfer.h"

// Mapping files. Source: redoxfs:src/mount/redox/resource.rs fmap; kernel:src/scheme/user.rs fmap_inner.

namespace halfcell::file {

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
    // A private mapping has nothing to do with the file any more: a fork copies it as it copies all memory.
    // Upstream shows it as one of the file, so that libc would map the file, shared, in its place in the
    // child.
    if (!shared)
        return target.map(request, {.object = TRY(private_copy(*handle->node, map.offset, request.size))});
    // Stores reach the file through the host's page cache: an unmap has nothing to write back.
    return target.map(request,
                      {.kind = mem::GrantKind::kFile,
                       .object = TRY(handle->node->shared_memory(map.offset, request.size, handle->writable)),
                       .file_offset = map.offset,
                       .owner = std::make_shared<scheme::FileGrantOwner>(description)});
}

}  // namespace halfcell::file
