#pragma once

// Scheme 6: interrupts to be waited for, of which none ever comes. Source: kernel:src/scheme/irq.rs.

#include <bitset>
#include <cstdint>

#include "kernel_shim/scheme/handle_map.h"
#include "kernel_shim/scheme/scheme.h"

namespace halfcell::schemes {

// Names, for euid 0 only: "" (directory), "bsp", "N" below 16, "cpu-XX" (directory) and "cpu-XX/N". A machine
// with one CPU whose devices are silent: lines can be opened and vectors reserved, counters stay 0.
class IrqScheme final : public scheme::Scheme {
  public:
    [[nodiscard]] std::string_view name() const override { return "irq"; }

    Result<scheme::OpenedHandle> root() override;
    // ENOENT for unknown names (also for a `cpu-` with fewer than two digits, where upstream panics: safer).
    // EISDIR for the directory without O_DIRECTORY or O_STAT; vectors need O_CREAT or O_STAT (EINVAL) and can
    // be reserved once (EEXIST).
    Result<scheme::OpenResult> openat(const scheme::Caller& caller, HandleNumber base, std::string_view path,
                                      std::uint64_t flags, std::uint32_t fcntl_flags) override;
    // An interrupt's counter where it differs from the acknowledged one, else 0: never blocks. EINVAL below 8
    // bytes, EISDIR for directories. "bsp": 4 bytes of CPU number, 8 returned.
    Result<std::uint64_t> read_at(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to,
                                  std::uint64_t offset, scheme::TransferFlags flags) override;
    // Acknowledges a counter: 8 when it is the current one, else 0.
    Result<std::uint64_t> write(const scheme::Caller& caller, HandleNumber number, const mem::UserIn& from,
                                scheme::TransferFlags flags) override;
    Result<std::uint64_t> fpath(const scheme::Caller& caller, HandleNumber number,
                                const mem::UserOut& to) override;
    Result<void> fstat(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to) override;
    Result<std::uint64_t> getdents(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to,
                                   std::uint16_t header_size, std::uint64_t opaque_id) override;
    // Gives a reservation back. Upstream keeps the handle, and the reservations of other CPUs (safer).
    Result<void> close(HandleNumber number) override;

  private:
    enum class Kind : std::uint8_t { kRoot, kDirectory, kBsp, kCpu, kIrq };
    struct Handle {
        Kind kind = Kind::kRoot;
        std::uint8_t cpu = 0;
        std::uint8_t irq = 0;
        bool reserved = false;  // this handle holds the reservation of its vector
    };
    Result<Handle> parse(std::string_view path, std::uint64_t flags);
    Result<Handle> open_vector(std::uint8_t cpu, std::string_view path, std::uint64_t flags);
    [[nodiscard]] std::vector<std::uint8_t> free_vectors(std::uint8_t cpu) const;

    // Interrupts 16 to 223 of each CPU that have been reserved. A CPU is only a number here.
    using Reserved = std::bitset<256 * 256>;

    scheme::HandleMap<Handle> handles_;
    Guarded<Reserved, LockLevel::kObject> reserved_;
};

}  // namespace halfcell::schemes
