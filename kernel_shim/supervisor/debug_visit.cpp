#include "kernel_shim/supervisor/debug_visit.h"

#include "kernel_shim/supervisor/because.h"

namespace halfcell::supervisor {

Expected<std::unique_ptr<DebugVisit>, std::string> DebugVisit::open(World::Parts& parts,
                                                                    const std::string& listen) {
    auto door = parts.doorkeeper->open_door(listen);
    if (!door) return unexpected(door.error());
    std::unique_ptr<DebugVisit> visit(new DebugVisit(parts, std::move(*door)));
    auto target = gdb::KernelTarget::create(parts.kernel, *visit, parts.program_names);
    if (!target) return unexpected(because("cannot debug", target.error()));
    visit->target_ = std::move(*target);
    return visit;
}

DebugVisit::~DebugVisit() = default;

std::string DebugVisit::command_line(const std::string& program) const {
    return door_->command_line(program);
}

Result<void> DebugVisit::start() {
    debugger_ = TRY(gdb::Debugger::start(door_->take_listener(), std::move(target_)));
    return {};
}

Result<void> DebugVisit::start_attaching(std::uint64_t process) {
    debugger_ = TRY(gdb::Debugger::start_visit_to(process, door_->take_listener(), std::move(target_)));
    return {};
}

Result<void> DebugVisit::send(std::uint64_t process, std::uint32_t signal) {
    return parts_.processes->signal_as_init(static_cast<std::int64_t>(process), signal);
}

}  // namespace halfcell::supervisor
