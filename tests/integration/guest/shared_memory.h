#pragma once

// Memory that a program has in common with the processes it forks.

#include "tests/guests/check.h"
#include "userland/rt/file.h"

namespace halfcell::userland {

// Zeroes that are a T, for ever. Ends the program with "FAIL: memory" where there are none.
template <typename T>
T& shared_memory() {
    abi::Map map{};
    map.size = (sizeof(T) + 4095) / 4096 * 4096;
    map.flags = abi::MapFlags::kMapShared | abi::MapFlags::kProtRead | abi::MapFlags::kProtWrite;
    return *reinterpret_cast<T*>(need(sys_fmap(Fd::kNone, map), "memory"));
}

}  // namespace halfcell::userland
