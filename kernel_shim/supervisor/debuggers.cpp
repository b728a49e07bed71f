#include "kernel_shim/supervisor/debuggers.h"

#include "kernel_shim/supervisor/because.h"

namespace halfcell::supervisor {

Expected<std::string, std::string> Debuggers::admit(std::uint32_t pid, const std::string& listen) {
    visits_.remove_if([](const auto& visit) { return visit->over(); });
    if (visits_.size() >= kMost)
        return unexpected(std::to_string(kMost) + " debuggers are let in already; let one come and go");
    for (const auto& context : parts_.kernel.contexts.all())
        if (context->attributes().pid == pid && context->tracee() != nullptr)
            return unexpected(because("process " + std::to_string(pid) + " has a tracer", Errno::kEBUSY));
    auto visit = DebugVisit::open(parts_, listen);
    if (!visit) return unexpected(visit.error());
    if (const auto started = (*visit)->start_attaching(pid); !started)
        return unexpected(because("cannot debug", started.error()));
    return visits_.emplace_back(std::move(*visit))->command_line("");
}

}  // namespace halfcell::supervisor
