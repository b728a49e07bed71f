#pragma once

// The first program of a Redox kernel: what `halfcell boot` starts, with nothing around it.
// Source: kernel:src/syscall/process.rs usermode_bootstrap, kernel:src/startup/mod.rs.

#include <cstdint>
#include <span>
#include <string>

#include "kernel_shim/machine/guest_thread.h"
#include "kernel_shim/mem/address_space.h"

namespace halfcell::boot {

// Where Redox links its bootstrap.
inline constexpr std::uint64_t kBootstrapBase = 0x1000;
// The entry address, a little-endian u64, at this offset of a flat image.
inline constexpr std::uint64_t kEntryOffset = 0x1a;

// What the metadata area tells the first program: the descriptors it was given.
struct BootCapability {
    std::uint8_t scheme_id;
    std::uint64_t fd;
};

// Maps a flat image at `base`, writable and executable, its size floored to pages, and returns the entry.
// EINVAL: shorter than a page, or no entry; else the errors of AddressSpace::map.
Result<std::uint64_t> load_flat_image(mem::AddressSpace& space, std::span<const std::byte> image,
                                      std::uint64_t base);

// Maps the four read-only metadata pages that end at 1<<47: the count, {id, fd} pairs, then the descriptor of
// the scheme-creation capability.
Result<void> map_metadata(mem::AddressSpace& space, machine::Pool& pool,
                          std::span<const BootCapability> capabilities, std::uint64_t creation_fd);

// All zero but for rip, rcx (the return instruction leaves the entry there) and the flags.
machine::ThreadRegisters bootstrap_registers(std::uint64_t entry);

}  // namespace halfcell::boot
