#pragma once

// What a run offers to those who watch and steer it, besides the kernel's own objects. supervisor/ implements
// it.

#include <cstdint>
#include <string>
#include <vector>

#include "kernel_shim/base/result.h"

namespace halfcell::control {

struct ProcessSummary {
    std::uint32_t pid = 0;
    std::uint32_t parent = 0;
    std::uint32_t group = 0;
    std::uint32_t session = 0;
    std::string name;
    std::string state;  // running, stopped, exiting, exited
};

// The process manager, as far as it can be asked from outside. Any thread; hold no lock.
class ProcessService {
  public:
    virtual ~ProcessService() = default;
    // By pid, without the one that only exists as the parent of orphans.
    [[nodiscard]] virtual std::vector<ProcessSummary> processes() = 0;
    // As SIGSTOP, SIGCONT and SIGKILL from root. ESRCH. Do not wait for the process.
    virtual Result<void> stop(std::uint32_t pid) = 0;
    virtual Result<void> resume(std::uint32_t pid) = 0;
    virtual Result<void> kill(std::uint32_t pid) = 0;
};

// Lets debuggers in to processes that run. Any thread; hold no lock.
class DebugService {
  public:
    virtual ~DebugService() = default;
    // Listens at unix:PATH or 127.0.0.1:PORT, or where that is empty at a socket of its own, and attaches to
    // the process when gdb connects. The line that connects it; the error is one line for the user. Does not
    // wait for gdb.
    virtual Expected<std::string, std::string> admit(std::uint32_t pid, const std::string& listen) = 0;
};

}  // namespace halfcell::control
