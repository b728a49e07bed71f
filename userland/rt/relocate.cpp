#include "userland/rt/relocate.h"

#include <cstdint>

namespace halfcell::userland {
namespace {

struct DynamicEntry {
    std::int64_t tag;
    std::uint64_t value;
};

struct Rela {
    std::uint64_t offset;
    std::uint64_t info;
    std::int64_t addend;
};

constexpr std::int64_t kDtRela = 7;
constexpr std::int64_t kDtRelaSize = 8;
constexpr std::uint32_t kRelative = 8;

extern "C" {
extern const DynamicEntry _DYNAMIC[] __attribute__((visibility("hidden")));
// First byte of the image; a static-PIE is linked at 0, so its address is the load base.
extern const char __ehdr_start[] __attribute__((visibility("hidden")));
}

}  // namespace

void relocate_self() {
    const auto base = reinterpret_cast<std::uint64_t>(__ehdr_start);
    std::uint64_t table = 0;
    std::uint64_t size = 0;
    for (const DynamicEntry* entry = _DYNAMIC; entry->tag != 0; ++entry) {
        if (entry->tag == kDtRela) table = entry->value;
        if (entry->tag == kDtRelaSize) size = entry->value;
    }
    const auto* relocation = reinterpret_cast<const Rela*>(base + table);
    for (std::uint64_t i = 0; i < size / sizeof(Rela); ++i) {
        if (static_cast<std::uint32_t>(relocation[i].info) != kRelative) __builtin_trap();
        *reinterpret_cast<std::uint64_t*>(base + relocation[i].offset) =
            base + static_cast<std::uint64_t>(relocation[i].addend);
    }
}

}  // namespace halfcell::userland
