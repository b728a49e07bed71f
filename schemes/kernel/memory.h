#pragma once

// Scheme 3: memory by name. Source: kernel:src/scheme/memory.rs.

#include <atomic>

#include "kernel_shim/machine/memory_object.h"
#include "kernel_shim/scheme/scheme.h"
#include "kernel_shim/task/context_table.h"
#include "schemes/kernel/kernel_log.h"

namespace halfcell::schemes {

// Names: `[zeroed|physical|translation|scheme-root][@TYPE[?FLAG,…]]`. A handle is its name, packed into the
// number; there is no state and closing does nothing.
//
// halfcell has no physical memory, so it makes one up, laid out like a PC's (host deviation):
// - every frame a guest can see has a stable, page-aligned address from kHighMemory up: `translation` tells
// it;
// - `physical` refuses memory, which upstream has given out by then: from kLowMemory to kDeviceHole, and from
//   kHighMemory up (EPERM). The rest is a bus without devices: it reads as zero, and what is written stays in
//   the mapping.
class MemoryScheme final : public scheme::Scheme {
  public:
    static constexpr std::uint64_t kLowMemory = std::uint64_t{16} << 20;
    static constexpr std::uint64_t kDeviceHole = std::uint64_t{3} << 30;
    static constexpr std::uint64_t kHighMemory = std::uint64_t{4} << 30;

    // `pool` and `contexts` outlive the scheme. `contexts` finds the caller's own address space, which is
    // where `physical` maps whatever space was asked for.
    MemoryScheme(machine::Pool& pool, const task::ContextTable& contexts, std::shared_ptr<KernelLog> log);

    [[nodiscard]] std::string_view name() const override { return "memory"; }

    Result<scheme::OpenedHandle> root() override;
    Result<scheme::OpenResult> openat(const scheme::Caller& caller, HandleNumber base, std::string_view path,
                                      std::uint64_t flags, std::uint32_t fcntl_flags) override;
    // translation: the payload's first 8 bytes are a virtual address and become a physical one; returns 0.
    // ENOENT where nothing is mapped, EINVAL for a short payload; EOPNOTSUPP for the other names.
    Result<std::uint64_t> call(const scheme::Caller& caller, HandleNumber number,
                               const mem::UserInOut& payload, std::uint64_t flags,
                               std::span<const std::uint64_t> metadata) override;
    // zeroed: anonymous memory. phys_contiguous: the same, not shared (EOPNOTSUPP), at most 1024 pages after
    // rounding up to a power of two (ENOMEM). physical: see above. translation: EOPNOTSUPP. EINVAL for bad
    // ranges; errors of AddressSpace::map.
    Result<std::uint64_t> fmap(const scheme::Caller& caller, HandleNumber number,
                               const scheme::DescriptionRef& description, mem::AddressSpace& target,
                               const abi::Map& map, bool consume) override;
    Result<std::uint64_t> fpath(const scheme::Caller& caller, HandleNumber number,
                                const mem::UserOut& to) override;
    // Frames in use and free, for any handle.
    Result<void> fstatvfs(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to) override;

  private:
    Result<std::uint64_t> map_zeroed(mem::AddressSpace& space, const abi::Map& map, bool contiguous);
    Result<std::uint64_t> map_physical(mem::AddressSpace& space, const abi::Map& map);

    machine::Pool& pool_;
    const task::ContextTable& contexts_;
    const std::shared_ptr<KernelLog> log_;
    const std::uint64_t host_memory_;  // bytes; the total where the run has no limit of its own
};

}  // namespace halfcell::schemes
