#pragma once

// The stub as files every guest maps: its code page and its read-only table.

#include <cstdint>

#include "kernel_shim/base/result.h"
#include "kernel_shim/host/bpf_program.h"
#include "kernel_shim/host/unique_fd.h"

namespace halfcell::agent {

// Guest addresses inside the stub's code page.
struct StubAddresses {
    std::uint64_t handler = 0;
    std::uint64_t restorer = 0;
    // Instruction pointers of the stub's own notifications: the one call of a newborn thread, and PARK.
    std::uint64_t after_hello = 0;
    std::uint64_t after_park = 0;
    // Offset of the code that empties a fresh fork, in any mapping of the page.
    std::uint64_t empty_process_offset = 0;
    host::StubSites sites;
};

// Immutable.
[[nodiscard]] const StubAddresses& stub_addresses();

struct StubImage {
    host::UniqueFd code;   // HC_STUB_CODE_SIZE bytes
    host::UniqueFd table;  // HC_STUB_TABLE_SIZE bytes
};

// Both files filled and sealed: nothing can change them any more. EMFILE, ENFILE, ENOMEM.
Result<StubImage> create_stub_image();

}  // namespace halfcell::agent
