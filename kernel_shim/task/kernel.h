#pragma once

// What the contexts of one run share. Built and owned by supervisor/, passed by reference to whoever needs
// it.

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "kernel_shim/base/memory_budget.h"
#include "kernel_shim/machine/machine.h"
#include "kernel_shim/scheme/event_registry.h"
#include "kernel_shim/scheme/registry.h"
#include "kernel_shim/task/clock.h"
#include "kernel_shim/task/context_table.h"
#include "kernel_shim/task/futex.h"
#include "kernel_shim/task/signal_recheck.h"
#include "kernel_shim/task/worker.h"

namespace halfcell::task {

struct Kernel {
    // `queue_limit`: see queues.
    Kernel(machine::Pool& the_pool, machine::MachineFactory& the_machines, CallHandler& the_calls,
           std::uint64_t queue_limit = MemoryBudget::kUnlimited)
        : pool(the_pool),
          machines(the_machines),
          queues(std::make_shared<MemoryBudget>(queue_limit)),
          schemes(events),
          workers(*this, the_calls) {}
    Kernel(const Kernel&) = delete;
    Kernel& operator=(const Kernel&) = delete;

    machine::Pool& pool;
    machine::MachineFactory& machines;
    // What waits in pipes and sockets.
    const std::shared_ptr<MemoryBudget> queues;
    Clock clock;
    scheme::EventRegistry events;
    scheme::SchemeRegistry schemes;
    FutexTable futexes;
    ContextTable contexts;
    SignalRecheck signal_rechecks;
    Workers workers;
    // The boot environment, as sys:env shows it.
    std::string environment;
    // A line for the kernel's log, as upstream's warn!: the module it stands in, and what it says. Set before
    // the first context starts; any thread.
    std::function<void(std::string_view module, std::string_view message)> warn = [](auto, auto) {};
};

}  // namespace halfcell::task
