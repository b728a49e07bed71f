#pragma once

// What passes between the thread that reads sockets and the one that looks at the run: values, nothing else.

#include <cstdint>
#include <string>

#include "kernel_shim/control/command.h"

namespace halfcell::control {

// What the socket's thread tells of itself.
struct SocketCounts {
    std::uint64_t connections = 0;  // now
    std::uint64_t accepted = 0;
    std::uint64_t refused = 0;  // for want of room, or of the right
    std::uint64_t commands = 0;
};

struct Order {
    std::uint64_t connection = 0;
    Request request;
    SocketCounts counts;
};

struct Outcome {
    std::uint64_t connection = 0;
    std::string answer;  // whole lines
};

// Carries orders out. Called by the clerk, one at a time, with no lock held; may block.
class Desk {
  public:
    virtual ~Desk() = default;
    [[nodiscard]] virtual std::string carry_out(const Order& order) = 0;
};

}  // namespace halfcell::control
