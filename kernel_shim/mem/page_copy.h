#pragma once

// Copying guest pages from where they are into an object, and leaving holes holes. Internal to this folder.

#include <cstdint>

#include "kernel_shim/mem/grant.h"

namespace halfcell::mem {

// Copies the bytes `grant` shows, in its object or, where they are copy-on-write, in its process (`machine`,
// which may be null otherwise), to `offset` of `to`. Pages of zeros are left alone, so that what was never
// touched takes no memory in the copy either. Errors of MemoryObject and Machine::read.
Result<void> copy_pages(const Grant& grant, const machine::Machine* machine, MemoryObject& to,
                        std::uint64_t offset);

}  // namespace halfcell::mem
