#pragma once

// The first metadata word of a call on a box.

#include <cstdint>

namespace halfcell::server {

enum class BoxCall : std::uint64_t {
    kCount = 0,       // answers how many boxes are open and descriptors kept, together
    kRefuseAll = 1,   // the next transfer fails before anything is moved
    kRefuseHalf = 2,  // the next transfer fails in its middle
};

}  // namespace halfcell::server
