#include "kernel_shim/mem/map_request.h"

#include "abi/flags.h"

namespace halfcell::mem {

using Flags = abi::MapFlags;

Result<PageRange> validate_range(std::uint64_t address, std::uint64_t size, RangeRule rule) {
    if (rule == RangeRule::kFile) size = machine::page_round_up(size);
    if (!machine::page_aligned(address) || !machine::page_aligned(size) || size == 0)
        return fail(Errno::kEINVAL);
    if (size > machine::kUserEnd || address > machine::kUserEnd - size)
        return fail(rule == RangeRule::kRegion ? Errno::kEFAULT : Errno::kEINVAL);
    return PageRange{address, size};
}

Protection protection_of(std::uint64_t map_flags) {
    return {.write = (map_flags & Flags::kProtWrite) != 0, .execute = (map_flags & Flags::kProtExec) != 0};
}

Placement placement_of(std::uint64_t map_flags) {
    if ((map_flags & Flags::kMapFixedNoreplace) == Flags::kMapFixedNoreplace)
        return Placement::kFixedNoReplace;
    return (map_flags & Flags::kMapFixed) != 0 ? Placement::kFixed : Placement::kAnywhere;
}

GrantKind anonymous_kind(std::uint64_t map_flags) {
    return (map_flags & Flags::kMapShared) != 0 ? GrantKind::kShared : GrantKind::kPrivate;
}

Result<MapRequest> map_request(const abi::Map& map, RangeRule rule) {
    const PageRange range = TRY(validate_range(map.address, map.size, rule));
    return MapRequest{.address = range.base,
                      .size = range.size,
                      .placement = placement_of(map.flags),
                      .protection = protection_of(map.flags)};
}

Result<void> refuse_unknown_map_flags(std::uint64_t map_flags) {
    constexpr std::uint64_t kKnown = Flags::kProtNone | Flags::kProtExec | Flags::kProtWrite |
                                     Flags::kProtRead | Flags::kMapShared | Flags::kMapPrivate |
                                     Flags::kMapFixed | Flags::kMapFixedNoreplace | Flags::kMapLazy;
    if ((map_flags & ~kKnown) != 0) return fail(Errno::kEINVAL);
    return {};
}

}  // namespace halfcell::mem
