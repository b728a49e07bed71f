#pragma once

// Scheme 10 (kernel.acpi): firmware tables, and the order to power off. Source: kernel:src/scheme/acpi.rs.

#include <mutex>
#include <set>

#include "kernel_shim/scheme/handle_map.h"
#include "kernel_shim/scheme/scheme.h"
#include "kernel_shim/wait/wait_queue.h"

namespace halfcell::schemes {

// As on a machine without ACPI: `rxsdt` is there and empty. `kstop` works: it becomes readable when a program
// orders a shutdown through sys:kstop. For euid 0 only, and only to be read.
class AcpiScheme final : public scheme::Scheme {
  public:
    [[nodiscard]] std::string_view name() const override { return "kernel.acpi"; }

    // Shutdown was ordered: from now on kstop is readable; whoever waits for it is told. Does not block.
    void request_stop();

    Result<scheme::OpenedHandle> root() override;
    // In this order: EACCES (not the root, or not euid 0), EROFS (O_CREAT), EINVAL (O_EXCL, O_SYMLINK), EROFS
    // (for more than reading, without O_STAT), then by name EISDIR, ENOTDIR, ENOENT.
    Result<scheme::OpenResult> openat(const scheme::Caller& caller, HandleNumber base, std::string_view path,
                                      std::uint64_t flags, std::uint32_t fcntl_flags) override;
    // kstop sleeps until shutdown is ordered, then gives one byte 0x42 each time; EINTR.
    Result<std::uint64_t> read_at(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to,
                                  std::uint64_t offset, scheme::TransferFlags flags) override;
    Result<std::uint64_t> fsize(const scheme::Caller& caller, HandleNumber number) override;
    Result<std::uint64_t> fevent(const scheme::Caller& caller, HandleNumber number,
                                 std::uint64_t flags) override;
    Result<std::uint64_t> fpath(const scheme::Caller& caller, HandleNumber number,
                                const mem::UserOut& to) override;
    Result<void> fstat(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to) override;
    Result<std::uint64_t> getdents(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to,
                                   std::uint16_t header_size, std::uint64_t opaque_id) override;
    Result<void> close(HandleNumber number) override;

  private:
    enum class Kind : std::uint8_t { kRoot, kDirectory, kRxsdt, kKstop };
    struct Handle {
        Kind kind = Kind::kRoot;
        bool stat_only = false;
    };
    // EBADF also for a root, and for a handle that may only be asked about itself.
    [[nodiscard]] Result<Kind> find_usable(HandleNumber number) const;

    scheme::HandleMap<Handle> handles_;
    LevelMutex<LockLevel::kObject> mutex_;
    bool stop_requested_ = false;           // guarded by mutex_
    std::set<HandleNumber> kstop_handles_;  // guarded by mutex_
    wait::WaitQueue waiting_;               // guarded by mutex_
};

}  // namespace halfcell::schemes
