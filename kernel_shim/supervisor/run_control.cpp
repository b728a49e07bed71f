#include "kernel_shim/supervisor/run_control.h"

#include <utility>

#include "abi/sigabi.h"

namespace halfcell::supervisor {

namespace {

using schemes::procmgr::ProcessState;

std::string name_of(ProcessState state) {
    switch (state) {
        case ProcessState::kRunning:
            return "running";
        case ProcessState::kStopped:
            return "stopped";
        case ProcessState::kExiting:
            return "exiting";
        case ProcessState::kExited:
            return "exited";
    }
    return "";
}

}  // namespace

Expected<std::unique_ptr<RunControl>, std::string> RunControl::start(host::UniqueFd listener,
                                                                     const ControlOptions& options,
                                                                     const task::Kernel& kernel,
                                                                     schemes::procmgr::ProcmgrScheme& manager,
                                                                     syscall::TraceSwitch& tracing,
                                                                     control::DebugService& debuggers) {
    std::unique_ptr<RunControl> control(new RunControl(kernel, manager, tracing, debuggers));
    auto server = control::Server::start(std::move(listener), {.user = options.user, .group = options.group},
                                         control->desk_);
    if (!server) return unexpected(server.error());
    control->server_ = std::move(*server);
    return control;
}

std::vector<control::ProcessSummary> RunControl::processes() {
    std::vector<control::ProcessSummary> all;
    for (auto& process : manager_.overview())
        if (process.pid != schemes::procmgr::kInitPid)
            all.push_back({process.pid, process.parent, process.group, process.session,
                           std::move(process.name), name_of(process.state)});
    return all;
}

Result<void> RunControl::signal(std::uint32_t pid, std::uint32_t signal) {
    // Negative and small numbers mean groups and everybody.
    if (pid <= schemes::procmgr::kInitPid || pid > INT32_MAX) return fail(Errno::kESRCH);
    return manager_.signal_as_init(pid, signal);
}

Result<void> RunControl::stop(std::uint32_t pid) {
    return signal(pid, abi::Signal::kStop);
}

Result<void> RunControl::resume(std::uint32_t pid) {
    return signal(pid, abi::Signal::kCont);
}

Result<void> RunControl::kill(std::uint32_t pid) {
    return signal(pid, abi::Signal::kKill);
}

}  // namespace halfcell::supervisor
