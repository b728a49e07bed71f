#pragma once

// The memory of a process in the form of Linux's /proc/PID/maps, which gdb reads on systems that call
// themselves so: for `info proc mappings`, and to know what to step over in system memory.

#include <memory>
#include <optional>
#include <string>

#include "kernel_shim/gdb/target.h"
#include "kernel_shim/mem/address_space.h"

namespace halfcell::gdb {

// The process whose maps a path names: "/proc/2/maps", "/proc/2/task/7/maps". Nothing for other paths.
[[nodiscard]] std::optional<std::uint64_t> process_of_maps(const std::string& path);

// What there is mapped now, a line a grant.
[[nodiscard]] std::unique_ptr<TargetFile> make_maps_file(const mem::AddressSpace& space);

}  // namespace halfcell::gdb
