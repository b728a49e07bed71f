#pragma once

// Ids are distinct types, so that a scheme id is never passed where a descriptor is meant.

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace halfcell {

template <typename Tag, typename Value>
class StrongId {
  public:
    constexpr StrongId() = default;
    constexpr explicit StrongId(Value value) : value_(value) {}
    [[nodiscard]] constexpr Value value() const { return value_; }
    friend constexpr auto operator<=>(const StrongId&, const StrongId&) = default;

  private:
    Value value_{};
};

// A descriptor as the guest names it: index, with bit 62 for the upper table.
using FdNumber = StrongId<struct FdNumberTag, std::uint64_t>;
// A scheme's place in the registry; 1-11 are the kernel's own, 16 the scheme manager.
using SchemeId = StrongId<struct SchemeIdTag, std::uint32_t>;
// A handle number inside one scheme.
using HandleNumber = StrongId<struct HandleNumberTag, std::uint64_t>;
// A guest thread; never reused within a run.
using ContextId = StrongId<struct ContextIdTag, std::uint64_t>;

}  // namespace halfcell

template <typename Tag, typename Value>
struct std::hash<halfcell::StrongId<Tag, Value>> {
    std::size_t operator()(const halfcell::StrongId<Tag, Value>& id) const noexcept {
        return std::hash<Value>{}(id.value());
    }
};
