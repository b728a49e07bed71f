#include "kernel_shim/mem/grant.h"

#include "abi/flags.h"
#include "kernel_shim/base/check.h"

namespace halfcell::mem {

Grant Grant::slice(PageRange part) const {
    HC_CHECK(range.contains(part) && !part.empty(), "a slice lies inside its grant");
    const std::uint64_t advance = part.base - range.base;
    Grant result = *this;
    result.range = part;
    result.object_offset += advance;
    result.file_offset += advance;
    result.joined = joined && advance == 0;
    return result;
}

bool Grant::can_have(Protection wanted) const {
    if (kind == GrantKind::kPrivate || kind == GrantKind::kContiguous) return true;
    return (protection.write || !wanted.write) && (protection.execute || !wanted.execute);
}

std::uint64_t Grant::flags() const {
    using Flags = abi::GrantFlags;
    std::uint64_t flags = Flags::kGrantRead;
    if (protection.write) flags |= Flags::kGrantWrite;
    if (protection.execute) flags |= Flags::kGrantExec;
    switch (kind) {
        case GrantKind::kPrivate:
            return flags;
        case GrantKind::kContiguous:
            return flags | Flags::kGrantPhysContiguous;
        case GrantKind::kShared:
        case GrantKind::kBorrowed:
            return flags | Flags::kGrantShared | (pinned() ? Flags::kGrantPinned : 0);
        case GrantKind::kPhysical:
            return flags | Flags::kGrantShared | Flags::kGrantPhys;
        case GrantKind::kFile:
            // Pins of file grants are counted, not shown.
            return flags | Flags::kGrantShared | Flags::kGrantScheme;
    }
    return flags;
}

bool one_grant(const Grant& left, const Grant& right) {
    if (left.range.end() != right.range.base) return false;
    if (right.joined) return true;
    return left.kind == GrantKind::kPrivate && right.kind == GrantKind::kPrivate &&
           left.protection == right.protection;
}

}  // namespace halfcell::mem
