#include "kernel_shim/supervisor/debug_visit.h"

#include "kernel_shim/supervisor/because.h"

namespace halfcell::supervisor {

Expected<std::unique_ptr<DebugVisit>, std::string> DebugVisit::open(World::Parts& parts,
                                                                    const std::string& listen) {
    auto files = gdb::ConnectFiles::create();
    if (!files) return unexpected(because("cannot make a directory for gdb", files.error()));
    auto listener = gdb::Listener::open(listen.empty() ? "unix:" + files->socket() : listen);
    if (!listener) return unexpected(listener.error());
    std::unique_ptr<DebugVisit> visit(new DebugVisit(parts, std::move(*files), std::move(*listener)));
    visit->address_ = visit->listener_->address();
    auto target = gdb::KernelTarget::create(parts.kernel, *visit, parts.program_names);
    if (!target) return unexpected(because("cannot debug", target.error()));
    visit->target_ = std::move(*target);
    return visit;
}

DebugVisit::~DebugVisit() = default;

std::string DebugVisit::command_line(const std::string& program) const {
    return files_.command_line(address_, program);
}

Result<void> DebugVisit::start() {
    debugger_ = TRY(gdb::Debugger::start(std::move(*listener_), std::move(target_)));
    listener_.reset();
    return {};
}

Result<void> DebugVisit::start_attaching(std::uint64_t process) {
    debugger_ = TRY(gdb::Debugger::start_visit_to(process, std::move(*listener_), std::move(target_)));
    listener_.reset();
    return {};
}

Result<void> DebugVisit::send(std::uint64_t process, std::uint32_t signal) {
    return parts_.processes->signal_as_init(static_cast<std::int64_t>(process), signal);
}

}  // namespace halfcell::supervisor
