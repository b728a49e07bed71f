#pragma once

// The control socket of a run, with what it needs of the run.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kernel_shim/control/run_desk.h"
#include "kernel_shim/control/server.h"
#include "kernel_shim/control/services.h"
#include "kernel_shim/supervisor/options.h"
#include "kernel_shim/syscall/trace_switch.h"
#include "schemes/procmgr/procmgr_scheme.h"

namespace halfcell::supervisor {

class RunControl final : public control::ProcessService {
  public:
    // Begins to answer at a socket that listens. All of these outlive it. The error is one line for the user.
    static Expected<std::unique_ptr<RunControl>, std::string> start(host::UniqueFd listener,
                                                                    const ControlOptions& options,
                                                                    const task::Kernel& kernel,
                                                                    schemes::procmgr::ProcmgrScheme& manager,
                                                                    syscall::TraceSwitch& tracing,
                                                                    control::DebugService& debuggers);

    // control::Server::confine.
    void confine_thread(const std::function<void()>& confine) { server_->confine(confine); }

    // --- ProcessService.
    [[nodiscard]] std::vector<control::ProcessSummary> processes() override;
    Result<void> stop(std::uint32_t pid) override;
    Result<void> resume(std::uint32_t pid) override;
    Result<void> kill(std::uint32_t pid) override;

  private:
    RunControl(const task::Kernel& kernel, schemes::procmgr::ProcmgrScheme& manager,
               syscall::TraceSwitch& tracing, control::DebugService& debuggers)
        : manager_(manager), desk_(kernel, *this, tracing, debuggers) {}
    Result<void> signal(std::uint32_t pid, std::uint32_t signal);

    schemes::procmgr::ProcmgrScheme& manager_;
    control::RunDesk desk_;
    std::unique_ptr<control::Server> server_;
};

}  // namespace halfcell::supervisor
