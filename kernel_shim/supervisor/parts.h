#pragma once

// What a World is made of, for the files that implement it. Declared in the order of construction: each part
// only leans on earlier ones, and they end in reverse.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kernel_shim/supervisor/belongings.h"
#include "kernel_shim/supervisor/doorkeeper.h"
#include "kernel_shim/supervisor/host_terminal.h"
#include "kernel_shim/supervisor/options.h"
#include "kernel_shim/supervisor/run_control.h"
#include "kernel_shim/supervisor/world.h"
#include "kernel_shim/syscall/dispatch.h"
#include "kernel_shim/syscall/trace.h"
#include "kernel_shim/syscall/trace_switch.h"
#include "kernel_shim/task/kernel.h"
#include "kernel_shim/wait/interrupter.h"
#include "schemes/kernel/console.h"
#include "schemes/kernel/kernel_log.h"
#include "schemes/kernel/proc/proc_scheme.h"
#include "schemes/nsmgr/namespace.h"
#include "schemes/procmgr/procmgr_scheme.h"
#include "schemes/pty/pty_scheme.h"

namespace halfcell::supervisor {

struct World::Parts {
    Parts(WorldOptions the_options, wait::Interrupter::Running the_interrupter, Belongings belongings,
          std::unique_ptr<machine::Pool> the_pool, std::unique_ptr<machine::MachineFactory> the_machines)
        : options(std::move(the_options)),
          interrupter(std::move(the_interrupter)),
          host_terminal(std::move(belongings.terminal)),
          standard_files(std::move(belongings.stdio)),
          pool(std::move(the_pool)),
          machines(std::move(the_machines)),
          // Keys belong to the guest's terminal where there is one.
          console(std::make_unique<schemes::HostConsole>(
              std::move(belongings.output),
              host_terminal != nullptr ? nullptr : std::move(belongings.input))),
          log(std::make_shared<schemes::KernelLog>()),
          tracer(std::move(belongings.tracer)),
          kernel(*pool, *machines, dispatcher, options.memory_limit),
          server_links(std::move(belongings.servers)),
          doorkeeper(std::move(belongings.doorkeeper)) {}

    const WorldOptions options;
    const wait::Interrupter::Running interrupter;
    // Null where programs get the three files of the host instead of a terminal.
    const std::unique_ptr<HostTerminal> host_terminal;
    const std::shared_ptr<schemes::StdioScheme> standard_files;  // null for a booted image
    const std::unique_ptr<machine::Pool> pool;
    const std::unique_ptr<machine::MachineFactory> machines;
    const std::unique_ptr<schemes::HostConsole> console;
    const std::shared_ptr<schemes::KernelLog> log;
    const std::unique_ptr<syscall::Tracer> tracer;  // null where nothing is traced
    syscall::Dispatcher dispatcher;
    std::unique_ptr<syscall::TraceSwitch> trace_switch;  // for `control`; outlives the kernel's last call
    task::Kernel kernel;
    // To the servers of options.host_schemes; each is its scheme's once that is installed.
    std::vector<std::unique_ptr<host_server::ServerLink>> server_links;

    // Present in worlds that run programs; a booted image finds none of it.
    std::shared_ptr<schemes::proc::ProcScheme> contexts;
    std::shared_ptr<schemes::procmgr::ProcmgrScheme> processes;
    std::shared_ptr<schemes::PtyScheme> terminals;
    scheme::DescriptionRef names;          // the root of the namespace
    scheme::DescriptionRef program_names;  // the part of it that programs get
    scheme::DescriptionRef stdio;          // the root of the scheme that serves the host's three files

    // Sees the first context of a program before it starts, and may keep it from starting. May be empty.
    std::function<Result<void>(const std::shared_ptr<task::Context>&)> before_start;
    // Null where nobody can come in. Outlives whoever does.
    const std::unique_ptr<Doorkeeper> doorkeeper;
    // For `control`.
    std::unique_ptr<control::DebugService> debuggers;
    // Null where nobody may watch or steer.
    std::unique_ptr<RunControl> control;

    [[nodiscard]] std::string_view own_line_end() const {
        return supervisor::own_line_end(host_terminal.get());
    }

    // What the supervisor itself sleeps on when it opens things for a program that does not exist yet.
    wait::Waiter own_waiter;
    [[nodiscard]] scheme::Caller own_caller() { return {ContextId{}, 0, 0, 0, own_waiter}; }
};

}  // namespace halfcell::supervisor
