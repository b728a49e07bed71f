#include "schemes/host_server/host_scheme.h"

#include "abi/flags.h"
#include "kernel_shim/mem/map_request.h"
#include "schemes/host_server/buffer_area.h"

namespace halfcell::host_server {

using scheme::Caller;
using user_scheme::Answer;

namespace {

// Upstream passes any number on, and programs believe that their buffer has been filled (safer).
Result<std::uint64_t> at_most(std::uint64_t size, Result<std::uint64_t> moved) {
    if (moved && *moved > size) return fail(Errno::kEIO);
    return moved;
}

}  // namespace

Result<std::uint64_t> HostScheme::read_at(const Caller& caller, HandleNumber number, const mem::UserOut& to,
                                          std::uint64_t offset, scheme::TransferFlags flags) {
    const mem::UserOut part = to.part(0, AreaBuffers::kLargest);
    return at_most(part.size(), ForwardingScheme::read_at(caller, number, part, offset, flags));
}

Result<std::uint64_t> HostScheme::write_at(const Caller& caller, HandleNumber number, const mem::UserIn& from,
                                           std::uint64_t offset, scheme::TransferFlags flags) {
    const mem::UserIn part = from.part(0, AreaBuffers::kLargest);
    return at_most(part.size(), ForwardingScheme::write_at(caller, number, part, offset, flags));
}

Result<std::uint64_t> HostScheme::fmap(const Caller& caller, HandleNumber number,
                                       const scheme::DescriptionRef& description, mem::AddressSpace& target,
                                       const abi::Map& map, bool) {
    const mem::MapRequest request = TRY(mem::map_request(map, mem::RangeRule::kFile));
    if (!machine::page_aligned(map.offset)) return fail(Errno::kEINVAL);
    const Answer answer = TRY(prepare_map(caller, number, map));
    if (answer.kind != Answer::Kind::kDescription) {
        TRY(as_value(answer));
        // An address would be one of the server's own memory, which nobody here can show.
        return fail(Errno::kEIO);
    }
    const bool shared = (map.flags & abi::MapFlags::kMapShared) != 0;
    machine::MemoryRef object =
        TRY(files_->memory(answer.descriptions.front(), {.offset = *answer.value,
                                                         .size = request.size,
                                                         .shared = shared,
                                                         .stores = request.protection.write}));
    return target.map(request, {.kind = mem::GrantKind::kFile,
                                .object = std::move(object),
                                .file_offset = map.offset,
                                .owner = grant_owner(caller, description)});
}

}  // namespace halfcell::host_server
