// Memory. Source: kernel:src/syscall/mod.rs, kernel:src/syscall/fs.rs, kernel:src/syscall/process.rs.

#include <cstdio>

#include "abi/data.h"
#include "kernel_shim/mem/map_request.h"
#include "kernel_shim/syscall/handlers.h"

namespace halfcell::syscall {

namespace {

// The descriptor that asks for fresh memory.
constexpr std::uint64_t kNoFile = UINT64_MAX;

// Source: kernel:src/scheme/memory.rs fmap_anonymous.
Result<std::uint64_t> map_anonymous(mem::AddressSpace& space, const abi::Map& map) {
    const mem::MapRequest request = TRY(mem::map_request(map, mem::RangeRule::kSpan));
    return space.map(request, {.kind = mem::anonymous_kind(map.flags)});
}

// Source: kernel:src/syscall/fs.rs funmap, whose rounded length wraps.
void warn_of_length(const task::Kernel& kernel, std::uint64_t length) {
    const std::uint64_t rounded = (length + machine::kPageSize - 1) / machine::kPageSize * machine::kPageSize;
    char text[80];
    std::snprintf(text, sizeof text, "funmap passed length 0x%llx instead of 0x%llx",
                  static_cast<unsigned long long>(length), static_cast<unsigned long long>(rounded));
    kernel.warn("kernel::syscall::fs", text);
}

}  // namespace

Result<std::uint64_t> sys_fmap(Call& call) {
    const mem::UserIn bytes = TRY(user_in(call, 1, 2));
    const abi::Map map = TRY(bytes.read_exact<abi::Map>());
    if (call.args[0] == kNoFile) return map_anonymous(call.space, map);
    const Target target = TRY(find_target(call, call.args[0]));
    return target.scheme->fmap(call.caller, target.number(), target.description, call.space, map, false);
}

Result<std::uint64_t> sys_funmap(Call& call) {
    const std::uint64_t size = machine::page_round_up(call.args[1]);
    if (size != call.args[1]) warn_of_length(call.kernel, call.args[1]);
    const mem::PageRange range = TRY(mem::validate_range(call.args[0], size, mem::RangeRule::kSpan));
    TRY(call.space.unmap(range));
    return 0;
}

Result<std::uint64_t> sys_mprotect(Call& call) {
    const mem::PageRange range = TRY(mem::validate_range(call.args[0], call.args[1], mem::RangeRule::kSpan));
    TRY(call.space.protect(range, mem::protection_of(call.args[2])));
    return 0;
}

Result<std::uint64_t> sys_mremap(Call& call) {
    return call.space.remap(call.args[0], call.args[1], call.args[2], call.args[3], call.args[4]);
}

}  // namespace halfcell::syscall
