#include "kernel_shim/user_scheme/user_scheme.h"

#include <array>
#include <utility>

#include "abi/flags.h"
#include "kernel_shim/mem/map_request.h"

namespace halfcell::user_scheme {

using scheme::Caller;

Result<std::uint64_t> UserScheme::read_late(const Caller& caller, HandleNumber number, const mem::UserOut& to,
                                            std::uint64_t offset, scheme::TransferFlags flags,
                                            scheme::LateOffer& offer) {
    Loan loan = TRY(lender_.lend(to));
    return transfer_late(caller, abi::Opcode::kRead, number, std::move(loan), offset, flags, offer);
}

Result<std::uint64_t> UserScheme::write_late(const Caller& caller, HandleNumber number,
                                             const mem::UserIn& from, std::uint64_t offset,
                                             scheme::TransferFlags flags, scheme::LateOffer& offer) {
    Loan loan = TRY(lender_.lend(from));
    return transfer_late(caller, abi::Opcode::kWrite, number, std::move(loan), offset, flags, offer);
}

// What a program can store to without its server or anybody else seeing it. On Redox the first such store
// hangs (safer).
Result<mem::MemoryRef> UserScheme::private_copy(mem::AddressSpace& server, std::uint64_t address,
                                                std::uint64_t size) const {
    mem::MemoryRef copy = TRY(pool_.allocate(size));
    std::array<std::byte, machine::kPageSize> page;
    for (std::uint64_t done = 0; done < size; done += page.size()) {
        if (!server.read(address + done, page)) return fail(Errno::kEIO);
        TRY(copy->write(done, page));
    }
    return copy;
}

Result<std::uint64_t> UserScheme::fmap(const Caller& caller, HandleNumber number,
                                       const scheme::DescriptionRef& description, mem::AddressSpace& target,
                                       const abi::Map& map, bool) {
    using abi::MapFlags;
    const mem::MapRequest request = TRY(mem::map_request(map, mem::RangeRule::kFile));
    if (!machine::page_aligned(map.offset)) return fail(Errno::kEINVAL);
    const auto server = TRY(lender_.server_space());
    if (server.get() == &target) return fail(Errno::kEBUSY);
    const Answer answer = TRY(prepare_map(caller, number, map));
    const std::uint64_t address = TRY(as_value(answer));
    if (!machine::page_aligned(address)) return fail(Errno::kEINVAL);

    auto owner = grant_owner(caller, description);
    const bool shared = (map.flags & MapFlags::kMapShared) != 0;
    if (shared || !request.protection.write)
        return target.show_file(*server, address, request, map.offset, std::move(owner));
    if (!mem::validate_range(address, request.size, mem::RangeRule::kSpan)) return fail(Errno::kEIO);
    mem::MapSource source;
    source.kind = mem::GrantKind::kFile;
    source.object = TRY(private_copy(*server, address, request.size));
    source.file_offset = map.offset;
    source.owner = std::move(owner);
    return target.map(request, source);
}

}  // namespace halfcell::user_scheme
