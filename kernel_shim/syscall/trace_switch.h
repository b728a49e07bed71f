#pragma once

// Tracing single processes, switched on and off while they run. What they call goes to a ring.

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "kernel_shim/base/guarded.h"
#include "kernel_shim/syscall/dispatch.h"
#include "kernel_shim/syscall/trace_filter.h"
#include "kernel_shim/syscall/trace_ring.h"

namespace halfcell::syscall {

class TraceSwitch final : public CallObserver {
  public:
    // Processes traced at once, and different filters in one run.
    static constexpr std::size_t kMostProcesses = 64;
    static constexpr std::size_t kMostFilters = 256;

    // `inner` sees what it watches as before; null: nobody does. Both outlive the last call, as must the
    // switch.
    TraceSwitch(Dispatcher& dispatcher, CallObserver* inner) : dispatcher_(dispatcher), inner_(inner) {}

    // From its next call on, a process is traced: all its calls, or those that `filter`, as TraceFilter has
    // it, shows. Replaces an earlier filter. The error is one line for the user: a bad filter, or too many.
    // Any thread.
    Expected<void, std::string> trace(std::uint32_t pid, const std::string& filter);
    // ... or no more.
    void forget(std::uint32_t pid);
    [[nodiscard]] std::vector<std::uint32_t> traced() const;
    [[nodiscard]] std::uint64_t recorded() const;

    // The last `most` lines of what a process called, oldest first. Any thread.
    [[nodiscard]] std::vector<std::string> tail(std::uint32_t pid, std::size_t most) const;

    Result<std::uint64_t> run(std::uint32_t number, Call& call) override;
    [[nodiscard]] bool watches(std::uint32_t pid) const override {
        return filter_of(pid) != nullptr || (inner_ != nullptr && inner_->watches(pid));
    }

  private:
    struct Place {
        std::atomic<std::uint32_t> pid{0};  // 0: free
        std::atomic<const TraceFilter*> filter{nullptr};
    };
    // When ticks were what time, once.
    struct Calibration {
        std::uint64_t ticks;
        std::uint64_t nanoseconds;
    };
    struct State {
        // Kept for good: workers may be in any of them.
        std::map<std::string, std::unique_ptr<const TraceFilter>> filters;
        std::unique_ptr<TraceRing> ring;  // since the first process
        Calibration since{};
    };

    [[nodiscard]] const TraceFilter* filter_of(std::uint32_t pid) const;
    Result<std::uint64_t> pass_on(std::uint32_t number, Call& call);

    Dispatcher& dispatcher_;
    CallObserver* const inner_;
    std::array<Place, kMostProcesses> places_;
    std::atomic<std::size_t> used_{0};  // places up to the last that was ever used
    std::atomic<TraceRing*> ring_{nullptr};
    Guarded<State, LockLevel::kLog> state_;
};

}  // namespace halfcell::syscall
