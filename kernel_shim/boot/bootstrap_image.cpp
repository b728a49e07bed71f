#include "kernel_shim/boot/bootstrap_image.h"

#include <cstring>

#include "abi/data.h"
#include "abi/flags.h"

namespace halfcell::boot {

Result<std::uint64_t> load_flat_image(mem::AddressSpace& space, std::span<const std::byte> image,
                                      std::uint64_t base) {
    const std::uint64_t size = machine::page_round_down(image.size());
    if (size == 0) return fail(Errno::kEINVAL);
    std::uint64_t entry = 0;
    std::memcpy(&entry, image.data() + kEntryOffset, sizeof entry);
    if (entry == 0) return fail(Errno::kEINVAL);
    TRY(space.map({.address = base,
                   .size = size,
                   .placement = mem::Placement::kFixedNoReplace,
                   .protection = {.write = true, .execute = true}},
                  {.kind = mem::GrantKind::kPrivate}));
    TRY(space.write(base, image.first(size)));
    return entry;
}

Result<void> map_metadata(mem::AddressSpace& space, machine::Pool& pool,
                          std::span<const BootCapability> capabilities, std::uint64_t creation_fd) {
    std::vector<std::uint64_t> words;
    words.push_back(capabilities.size());
    for (const BootCapability& capability : capabilities) {
        words.push_back(capability.scheme_id);
        words.push_back(capability.fd);
    }
    words.push_back(creation_fd);
    machine::MemoryRef bytes = TRY(pool.allocate(abi::kKernelMetadataSize));
    TRY(bytes->write(0, std::as_bytes(std::span(words))));
    TRY(space.map({.address = machine::kUserEnd - abi::kKernelMetadataSize,
                   .size = abi::kKernelMetadataSize,
                   .placement = mem::Placement::kFixedNoReplace},
                  {.kind = mem::GrantKind::kPrivate, .object = std::move(bytes)}));
    return {};
}

machine::ThreadRegisters bootstrap_registers(std::uint64_t entry) {
    machine::ThreadRegisters registers;
    registers.rip = entry;
    registers.rcx = entry;
    registers.r11 = 0x200;
    registers.rflags = 0x202;
    return registers;
}

}  // namespace halfcell::boot
