#pragma once

// A mapping of an open file: shared, or a copy. Source: kernel:src/scheme/user.rs fmap_inner.

#include "abi/data.h"
#include "kernel_shim/machine/memory_object.h"
#include "kernel_shim/mem/address_space.h"
#include "kernel_shim/scheme/file_description.h"
#include "schemes/file/volume.h"

namespace halfcell::file {

// What the handle that is mapped was opened for.
struct MapRights {
    bool readable;
    bool writable;
};

// Maps a file's bytes into `target` and returns the address. `description` is what a shared mapping keeps
// open; a private one is a copy from `pool`. EACCES where the rights do not suffice; EINVAL for a range or
// offset that is none; errors of AddressSpace::map and of the node.
Result<std::uint64_t> map_node(Node& node, MapRights rights, machine::Pool& pool,
                               const scheme::DescriptionRef& description, mem::AddressSpace& target,
                               const abi::Map& map);

}  // namespace halfcell::file
