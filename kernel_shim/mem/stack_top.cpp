#include "kernel_shim/mem/stack_top.h"

#include <array>
#include <vector>

namespace halfcell::mem {

namespace {

using machine::kHostUserEnd;
using machine::kPageSize;
using machine::kUserEnd;

// Source: relibc:redox-rt/src/arch/x86_64.rs STACK_SIZE.
constexpr std::uint64_t kStackSize = 1 << 20;
constexpr std::array<std::byte, kPageSize> kZeros{};

}  // namespace

Result<std::uint64_t> stack_below_host_end(AddressSpace& space, std::uint64_t stack_pointer) {
    if (stack_pointer >= kUserEnd || stack_pointer < kUserEnd - kStackSize + kPageSize) return stack_pointer;
    std::vector<std::byte> words(kUserEnd - stack_pointer);
    if (!space.read(stack_pointer, words)) return stack_pointer;
    std::array<std::byte, kPageSize> last{};
    if (!space.read(kHostUserEnd, last) || last == kZeros) return stack_pointer;
    TRY(space.write(stack_pointer - kPageSize, words));
    TRY(space.write(kHostUserEnd, kZeros));
    return stack_pointer - kPageSize;
}

}  // namespace halfcell::mem
