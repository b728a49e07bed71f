#include "abi/flags.h"
#include "kernel_shim/mem/map_request.h"
#include "schemes/file/file_scheme.h"
#include "schemes/file/map_node.h"

// Mapping files. Source: redoxfs:src/mount/redox/resource.rs fmap.

namespace halfcell::file {

Result<std::uint64_t> FileScheme::fmap(const scheme::Caller&, HandleNumber number,
                                       const scheme::DescriptionRef& description, mem::AddressSpace& target,
                                       const abi::Map& map, bool) {
    const HandleRef handle = TRY(handles_.find(number));
    // A bad range is a bad range whatever is mapped.
    TRY(mem::map_request(map, mem::RangeRule::kFile));
    if (handle->node->kind() != NodeKind::kFile)
        return fail(handle->is_directory() ? Errno::kEISDIR : Errno::kEBADF);
    return map_node(*handle->node, {handle->readable, handle->writable}, pool_, description, target, map);
}

}  // namespace halfcell::file
