#pragma once

// Puts a checked program into an address space.

#include <cstdint>
#include <span>

#include "kernel_shim/boot/elf.h"
#include "kernel_shim/mem/address_space.h"

namespace halfcell::boot {

struct LoadedImage {
    std::uint64_t bias = 0;  // added to every address of the file
    std::uint64_t entry = 0;
    std::uint64_t program_headers = 0;
};

// Maps every segment of `image` (whose bytes are `file`). A position-independent program goes where the
// kernel places it, a fixed one where it was linked. EEXIST when that place is taken, ENOMEM; a failed load
// leaves mappings behind: the address space is then of no use.
Result<LoadedImage> load_image(mem::AddressSpace& space, machine::Pool& pool, const ElfImage& image,
                               std::span<const std::byte> file);

}  // namespace halfcell::boot
