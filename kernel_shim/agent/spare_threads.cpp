#include "kernel_shim/agent/spare_threads.h"

#include <utility>

#include "kernel_shim/host/cpu.h"

namespace halfcell::agent {

Result<void> SpareThread::prepare(const machine::ThreadRegisters& registers, int cpu) {
    TRY(frame.start_over(registers));
    frame.store();
    if (seat.cpu != cpu && host::pin_thread(seat.thread, cpu)) seat.cpu = cpu;
    return {};
}

bool SpareThreads::has_room() const {
    return spares_.with([](const auto& spares) { return spares.size() < kMost; });
}

void SpareThreads::keep(SpareThread spare) {
    spares_.with([&](auto& spares) { spares.push_back(std::move(spare)); });
}

std::optional<SpareThread> SpareThreads::take() {
    return spares_.with([](auto& spares) -> std::optional<SpareThread> {
        if (spares.empty()) return std::nullopt;
        SpareThread last = std::move(spares.back());
        spares.pop_back();
        return last;
    });
}

}  // namespace halfcell::agent
