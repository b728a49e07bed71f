#pragma once

// A debugger in a run: where gdb connects, and the programs it finds there.

#include <memory>
#include <string>

#include "kernel_shim/gdb/debugger.h"
#include "kernel_shim/supervisor/parts.h"

namespace halfcell::supervisor {

class DebugVisit final : gdb::ProcessSignals {
  public:
    // Has `listen` opened by the parts' doorkeeper. The parts outlive the visit, and what is debugged is
    // theirs. The error is one line for the user.
    static Expected<std::unique_ptr<DebugVisit>, std::string> open(World::Parts& parts,
                                                                   const std::string& listen);
    ~DebugVisit() override;

    // Makes a context that is about to start stop for gdb. Errors of KernelTarget::begin.
    Result<void> begin(const std::shared_ptr<task::Context>& context) { return target_->begin(context); }
    // The line that connects gdb.
    [[nodiscard]] std::string command_line(const std::string& program) const;
    // Lets gdb in. Errors of Debugger::start.
    Result<void> start();
    // The same for a process that runs: it stops when gdb connects.
    Result<void> start_attaching(std::uint64_t process);
    // Whether gdb has come and gone.
    [[nodiscard]] bool over() const { return debugger_ != nullptr && debugger_->over(); }

  private:
    DebugVisit(World::Parts& parts, std::unique_ptr<Doorkeeper::Door> door)
        : parts_(parts), door_(std::move(door)) {}
    Result<void> send(std::uint64_t process, std::uint32_t signal) override;

    World::Parts& parts_;
    const std::unique_ptr<Doorkeeper::Door> door_;
    std::unique_ptr<gdb::KernelTarget> target_;  // until gdb is let in
    std::unique_ptr<gdb::Debugger> debugger_;
};

}  // namespace halfcell::supervisor
