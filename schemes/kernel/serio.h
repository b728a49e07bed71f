#pragma once

// Scheme 5: the PS/2 keyboard and mouse, which nobody ever touches. Source: kernel:src/scheme/serio.rs.

#include <optional>

#include "kernel_shim/scheme/handle_map.h"
#include "kernel_shim/scheme/record_queue.h"
#include "kernel_shim/scheme/scheme.h"

namespace halfcell::schemes {

// Names: "0" (keyboard) and "1" (mouse), for euid 0 only. There is no such hardware on the host side, so
// reads wait as on a machine where no key is pressed.
class SerioScheme final : public scheme::Scheme {
  public:
    [[nodiscard]] std::string_view name() const override { return "serio"; }

    Result<scheme::OpenedHandle> root() override;
    Result<scheme::OpenResult> openat(const scheme::Caller& caller, HandleNumber base, std::string_view path,
                                      std::uint64_t flags, std::uint32_t fcntl_flags) override;
    Result<std::uint64_t> read(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to,
                               scheme::TransferFlags flags) override;
    Result<std::uint64_t> fevent(const scheme::Caller& caller, HandleNumber number,
                                 std::uint64_t flags) override;
    Result<std::uint64_t> fpath(const scheme::Caller& caller, HandleNumber number,
                                const mem::UserOut& to) override;
    Result<void> fsync(const scheme::Caller& caller, HandleNumber number) override;
    Result<void> close(HandleNumber number) override;

  private:
    using Device = std::optional<unsigned>;  // empty for a root
    // EBADF also for a root.
    [[nodiscard]] Result<unsigned> find_device(HandleNumber number) const;

    scheme::HandleMap<Device> handles_;
    scheme::RecordQueue<std::uint8_t, LockLevel::kObject> input_[2];
};

}  // namespace halfcell::schemes
