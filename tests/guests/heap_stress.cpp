// Tests the heap: blocks of all sizes keep their contents while others come and go, and freed memory is used
// again.

#include <cstdint>
#include <vector>

#include "userland/rt/output.h"
#include "userland/rt/process.h"

namespace halfcell::userland {
namespace {

struct Block {
    std::uint8_t* bytes = nullptr;
    std::size_t size = 0;
    std::uint8_t pattern = 0;
};

std::uint64_t state = 88172645463325252U;
std::uint64_t random_number() {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

// Mostly small, now and then up to a mebibyte.
std::size_t random_size() {
    const std::uint64_t kind = random_number() % 100;
    if (kind < 70) return random_number() % 200;
    if (kind < 95) return random_number() % 20'000;
    return random_number() % 1'000'000;
}

bool intact(const Block& block) {
    for (std::size_t i = 0; i<block.size; i += block.size> 4096 ? 511 : 1) {
        if (block.bytes[i] != block.pattern) return false;
    }
    return true;
}

}  // namespace

int main_program(std::span<const std::string_view>) {
    std::vector<Block> blocks(400);
    for (int round = 0; round < 40'000; ++round) {
        Block& block = blocks[random_number() % blocks.size()];
        if (!intact(block)) {
            out().print("FAIL: a block of ", block.size, " bytes changed in round ", round, '\n');
            return 1;
        }
        delete[] block.bytes;
        block.size = random_size();
        block.pattern = static_cast<std::uint8_t>(random_number());
        block.bytes = new std::uint8_t[block.size];
        for (std::size_t i = 0; i < block.size; ++i)
            block.bytes[i] = block.pattern;
        if (reinterpret_cast<std::uintptr_t>(block.bytes) % 16 != 0) {
            out().write("FAIL: a block is not aligned\n");
            return 1;
        }
    }
    out().write("PASS\n");
    return 0;
}

}  // namespace halfcell::userland
