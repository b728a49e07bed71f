#pragma once

// A debugger in a run: where gdb connects, and the programs it finds there.

#include <memory>
#include <string>

#include "kernel_shim/gdb/connect_files.h"
#include "kernel_shim/gdb/debugger.h"
#include "kernel_shim/supervisor/parts.h"

namespace halfcell::supervisor {

class DebugVisit final : gdb::ProcessSignals {
  public:
    // Opens `listen`, or where that is empty a socket beside the names of calls. The parts outlive the visit,
    // and what is debugged is theirs. The error is one line for the user.
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
    DebugVisit(World::Parts& parts, gdb::ConnectFiles files, gdb::Listener listener)
        : parts_(parts), files_(std::move(files)), listener_(std::move(listener)) {}
    Result<void> send(std::uint64_t process, std::uint32_t signal) override;

    World::Parts& parts_;
    const gdb::ConnectFiles files_;
    std::optional<gdb::Listener> listener_;  // until gdb is let in
    std::string address_;
    std::unique_ptr<gdb::KernelTarget> target_;  // the same
    std::unique_ptr<gdb::Debugger> debugger_;
};

}  // namespace halfcell::supervisor
