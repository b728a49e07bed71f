#include "schemes/kernel/proc/address_space_handle.h"

#include <algorithm>
#include <charconv>

#include "abi/data.h"
#include "abi/flags.h"
#include "kernel_shim/mem/map_request.h"
#include "kernel_shim/scheme/file_grant_owner.h"
#include "schemes/kernel/proc/proc_scheme.h"
#include "schemes/kernel/proc/setting_handles.h"
#include "schemes/kernel/proc/word_reader.h"

namespace halfcell::schemes::proc {

Result<std::uint64_t> AddressSpaceHandle::read(const scheme::Caller&, const mem::UserOut& to,
                                               std::uint64_t offset) {
    constexpr std::uint64_t kMostAtOnce = 16;
    const std::vector<abi::GrantDesc> grants = space_->describe();
    const std::uint64_t first = std::min<std::uint64_t>(offset / sizeof(abi::GrantDesc), grants.size());
    const std::uint64_t count = std::min<std::uint64_t>(grants.size() - first, kMostAtOnce);
    const std::uint64_t fitting = std::min<std::uint64_t>(count, to.size() / sizeof(abi::GrantDesc));
    const auto shown = std::span(grants).subspan(first, fitting);
    TRY(to.write(0, std::as_bytes(shown)));
    return count * sizeof(abi::GrantDesc);
}

Result<std::uint64_t> AddressSpaceHandle::write(const scheme::Caller& caller, const mem::UserIn& from) {
    const auto range_of = [](WordReader& words) -> Result<mem::PageRange> {
        const std::uint64_t address = TRY(words.next());
        const std::uint64_t size = TRY(words.next());
        return mem::validate_range(address, size, mem::RangeRule::kRegion);
    };
    WordReader words(from);
    mem::PageRange range;
    switch (TRY(words.next())) {
        case abi::AddrspaceOp::kMmap:
            return map(caller, words, false);
        case abi::AddrspaceOp::kTransfer:
            return map(caller, words, true);
        case abi::AddrspaceOp::kMunmap:
            range = TRY(range_of(words));
            TRY(space_->unmap(range));
            return words.consumed();
        case abi::AddrspaceOp::kMprotect: {
            range = TRY(range_of(words));
            const std::uint64_t flags = TRY(words.next());
            TRY(mem::refuse_unknown_map_flags(flags));
            TRY(space_->protect(range, mem::protection_of(flags)));
            return words.consumed();
        }
        default:
            return fail(Errno::kEINVAL);
    }
}

Result<std::uint64_t> AddressSpaceHandle::map(const scheme::Caller& caller, WordReader& words, bool consume) {
    constexpr std::uint64_t kAnonymous = ~std::uint64_t{0};
    const std::uint64_t fd = TRY(words.next());
    abi::Map map{};
    map.offset = TRY(words.next());
    map.address = TRY(words.next());
    map.size = TRY(words.next());
    TRY(mem::validate_range(map.address, map.size, mem::RangeRule::kRegion));
    map.flags = TRY(words.next());
    TRY(mem::refuse_unknown_map_flags(map.flags));
    if (fd == kAnonymous) {
        if (consume) return fail(Errno::kEOPNOTSUPP);
        const mem::MapRequest request = TRY(mem::map_request(map, mem::RangeRule::kSpan));
        return space_->map(request, {.kind = mem::anonymous_kind(map.flags)});
    }
    const scheme::DescriptionRef description = TRY(scheme_.description_of_fd(caller, fd));
    scheme::Scheme* const scheme = TRY(description->scheme());
    return scheme->fmap(caller, description->number(), description, *space_, map, consume);
}

Result<scheme::OpenResult> AddressSpaceHandle::dup(const scheme::Caller&, std::string_view name) {
    constexpr std::string_view kGrantFile = "grant-fd-";
    task::Kernel& kernel = scheme_.kernel();
    if (name == "empty") {
        auto space = mem::AddressSpace::create(kernel.pool, kernel.machines);
        return scheme_.add(std::make_shared<AddressSpaceHandle>(scheme_, std::move(space)), true);
    }
    if (name == "exclusive")
        return scheme_.add(std::make_shared<AddressSpaceHandle>(scheme_, TRY(space_->clone())), true);
    if (name == "mmap-min-addr") return scheme_.add(std::make_shared<MmapMinAddrHandle>(space_), true);
    if (name.starts_with(kGrantFile)) return grant_file(name.substr(kGrantFile.size()));
    return fail(Errno::kEINVAL);
}

Result<scheme::OpenResult> AddressSpaceHandle::grant_file(std::string_view page) const {
    std::uint64_t address = 0;
    if (page.starts_with('+')) page.remove_prefix(1);
    const auto [end, error] = std::from_chars(page.data(), page.data() + page.size(), address, 16);
    if (page.empty() || error != std::errc{} || end != page.data() + page.size()) return fail(Errno::kEINVAL);
    if (!machine::page_aligned(address)) return fail(Errno::kEINVAL);
    const mem::Grant grant = TRY(space_->grant_at(address));
    const auto owner = std::dynamic_pointer_cast<scheme::FileGrantOwner>(grant.owner);
    if (owner == nullptr) return fail(Errno::kEBADF);
    return owner->description();
}

Result<std::uint64_t> AddressSpaceHandle::fmap(const scheme::Caller&, mem::AddressSpace& target,
                                               const abi::Map& map, bool consume) {
    if (&target == space_.get()) return fail(Errno::kEBUSY);
    const mem::MapRequest request = TRY(mem::map_request(map, mem::RangeRule::kRegion));
    TRY(mem::validate_range(map.offset, map.size, mem::RangeRule::kSpan));
    return consume ? target.transfer(*space_, map.offset, request)
                   : target.borrow(*space_, map.offset, request);
}

}  // namespace halfcell::schemes::proc
