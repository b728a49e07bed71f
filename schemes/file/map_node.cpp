#include "schemes/file/map_node.h"

#include <algorithm>
#include <vector>

#include "abi/flags.h"
#include "kernel_shim/mem/map_request.h"
#include "kernel_shim/scheme/file_grant_owner.h"
#include "schemes/file/transfer.h"

namespace halfcell::file {

namespace {

// The bytes as they are now. Redox says nothing about later changes showing in private mappings, and there
// such a mapping cannot even be written to (it hangs); a copy is what POSIX programs expect.
Result<mem::MemoryRef> private_copy(Node& node, machine::Pool& pool, std::uint64_t offset,
                                    std::uint64_t size) {
    mem::MemoryRef memory = TRY(pool.allocate(size));
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

}  // namespace

Result<std::uint64_t> map_node(Node& node, MapRights rights, machine::Pool& pool,
                               const scheme::DescriptionRef& description, mem::AddressSpace& target,
                               const abi::Map& map) {
    using abi::MapFlags;
    const mem::MapRequest request = TRY(mem::map_request(map, mem::RangeRule::kFile));
    if (!machine::page_aligned(map.offset) || map.offset > INT64_MAX - request.size)
        return fail(Errno::kEINVAL);
    const bool shared = (map.flags & MapFlags::kMapShared) != 0;
    const bool stores = (map.flags & MapFlags::kProtWrite) != 0;
    // Every mapping can be read on Redox, so a handle that cannot be read cannot be mapped.
    if (!rights.readable || (shared && stores && !rights.writable)) return fail(Errno::kEACCES);
    // A private mapping has nothing to do with the file any more: a fork copies it as it copies all memory.
    // Upstream shows it as one of the file, so that libc would map the file, shared, in its place in the
    // child.
    if (!shared)
        return target.map(request, {.object = TRY(private_copy(node, pool, map.offset, request.size))});
    // Stores reach the file through the host's page cache: an unmap has nothing to write back.
    return target.map(request, {.kind = mem::GrantKind::kFile,
                                .object = TRY(node.shared_memory(map.offset, request.size, rights.writable)),
                                .file_offset = map.offset,
                                .owner = std::make_shared<scheme::FileGrantOwner>(description)});
}

}  // namespace halfcell::file
