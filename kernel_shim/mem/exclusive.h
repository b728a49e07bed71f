#pragma once

// Who else can reach the bytes a grant shows. Internal to this folder; all need the lock of the address
// space.

#include <vector>

#include "kernel_shim/mem/region_map.h"

namespace halfcell::mem {

// Whether the bytes of `part`, which lies in the grant, are shown here and nowhere else, and held by nobody:
// every reference to the object is a grant in `regions`, and no other grant shows any of them.
[[nodiscard]] bool exclusive(const RegionMap& regions, const Grant& grant, PageRange part);

// All grants of which that is true, in address order.
[[nodiscard]] std::vector<const Grant*> exclusive_grants(const RegionMap& regions);

}  // namespace halfcell::mem
