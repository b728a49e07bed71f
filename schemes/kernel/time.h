#pragma once

// Scheme 7: the clocks as files, and timers that fire events. Source: kernel:src/scheme/time.rs.

#include "kernel_shim/scheme/handle_map.h"
#include "kernel_shim/scheme/scheme.h"
#include "kernel_shim/task/clock.h"
#include "schemes/kernel/timers.h"

namespace halfcell::schemes {

// Names: `CLOCK[/KIND[/…]]`, CLOCK 1 (real time) or 4 (monotonic), KIND empty, gettime, getres or timer.
class TimeScheme final : public scheme::Scheme {
  public:
    // `clock` outlives the scheme.
    explicit TimeScheme(const task::Clock& clock);

    [[nodiscard]] std::string_view name() const override { return "time"; }

    Result<scheme::OpenedHandle> root() override;
    Result<scheme::OpenResult> openat(const scheme::Caller& caller, HandleNumber base, std::string_view path,
                                      std::uint64_t flags, std::uint32_t fcntl_flags) override;
    // Fills every whole abi::TimeSpec of `to` with the time, or the resolution; 0 when not even one fits.
    // EINVAL for a timer. Never blocks.
    Result<std::uint64_t> read(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to,
                               scheme::TransferFlags flags) override;
    // Arms one timer per whole abi::TimeSpec, at that absolute time: EVENT_READ on the handle. EINVAL for
    // gettime and getres; ENOMEM as Timers::arm.
    Result<std::uint64_t> write(const scheme::Caller& caller, HandleNumber number, const mem::UserIn& from,
                                scheme::TransferFlags flags) override;
    Result<std::uint64_t> fevent(const scheme::Caller& caller, HandleNumber number,
                                 std::uint64_t flags) override;
    Result<std::uint64_t> fpath(const scheme::Caller& caller, HandleNumber number,
                                const mem::UserOut& to) override;
    Result<void> fsync(const scheme::Caller& caller, HandleNumber number) override;
    Result<void> close(HandleNumber number) override;

    [[nodiscard]] Timers& timers() { return timers_; }

  private:
    enum class Kind : std::uint8_t { kRoot, kDefault, kGettime, kGetres, kTimer };
    struct Handle {
        Kind kind = Kind::kRoot;
        std::uint64_t clock = 0;
    };
    // EBADF also for the root.
    [[nodiscard]] Result<Handle> find_clock(HandleNumber number) const;
    static std::string_view kind_name(Kind kind);

    const task::Clock& clock_;
    scheme::HandleMap<Handle> handles_;
    Timers timers_;
};

}  // namespace halfcell::schemes
