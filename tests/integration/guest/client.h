#pragma once

// A client of a scheme of boxes that goes on until its server dies, and what it has seen of that.

#include <atomic>
#include <cstdint>
#include <string_view>

namespace halfcell::userland {

// In memory that parent and clients share; each client writes to its own.
struct Client {
    std::atomic<bool> ready;  // it has been served once, or is about to wait for ever
    std::atomic<bool> done;
    std::uint64_t ended;    // when its first failing call came back, on the real-time clock
    std::uint64_t longest;  // of its calls after that which say that nobody is there, in nanoseconds
    std::uint64_t calls;
    std::uint32_t error;       // of its first failing call
    std::uint32_t unexpected;  // what else was wrong; 0 for nothing
};

// How many kinds of clients there are: who read a little, read much, write, wait for an open, send
// descriptors, map, ask, and open and close.
inline constexpr std::uint32_t kClientKinds = 8;

// Uses the boxes at `path`, until a call fails. Blocks that long. Clients of the kind that opens and closes
// may not notice anything where somebody else serves at once; they end when `over` is set.
void be_client(std::uint32_t kind, std::string_view path, const std::atomic<bool>& over, Client& client);

std::uint64_t real_nanoseconds();

}  // namespace halfcell::userland
