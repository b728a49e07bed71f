#pragma once

// Where orders about a run are carried out.

#include "kernel_shim/base/json.h"
#include "kernel_shim/control/order.h"
#include "kernel_shim/control/services.h"
#include "kernel_shim/syscall/trace_switch.h"
#include "kernel_shim/task/kernel.h"

namespace halfcell::control {

class RunDesk final : public Desk {
  public:
    // All of these outlive the desk.
    RunDesk(const task::Kernel& kernel, ProcessService& processes, syscall::TraceSwitch& tracing,
            DebugService& debuggers)
        : kernel_(kernel), processes_(processes), tracing_(tracing), debuggers_(debuggers) {}

    // Takes the kernel's locks, one after the other, and never waits for a guest.
    [[nodiscard]] std::string carry_out(const Order& order) override;

  private:
    [[nodiscard]] OrderedJson state(const Order& order);
    [[nodiscard]] std::string debug(const Request& request);
    [[nodiscard]] std::string trace(const Request& request);
    std::string tail(const Request& request);
    // ESRCH for a process that there is not.
    [[nodiscard]] Result<void> exists(std::uint32_t pid);

    const task::Kernel& kernel_;
    ProcessService& processes_;
    syscall::TraceSwitch& tracing_;
    DebugService& debuggers_;
};

}  // namespace halfcell::control
