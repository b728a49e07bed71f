#pragma once

// The debuggers that have been let in to a run while it goes on.

#include <list>
#include <memory>
#include <string>

#include "kernel_shim/control/services.h"
#include "kernel_shim/supervisor/debug_visit.h"
#include "kernel_shim/supervisor/parts.h"

namespace halfcell::supervisor {

// Used by one thread at a time.
class Debuggers final : public control::DebugService {
  public:
    // Visits that may be there at once; those that nobody has come to count.
    static constexpr std::size_t kMost = 16;

    // The parts outlive it.
    explicit Debuggers(World::Parts& parts) : parts_(parts) {}

    Expected<std::string, std::string> admit(std::uint32_t pid, const std::string& listen) override;

  private:
    World::Parts& parts_;
    std::list<std::unique_ptr<DebugVisit>> visits_;
};

}  // namespace halfcell::supervisor
