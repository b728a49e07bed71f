#include "kernel_shim/supervisor/world.h"

#include <unistd.h>

#include "kernel_shim/agent/agent_machine.h"
#include "kernel_shim/host/memory_pool.h"
#include "kernel_shim/supervisor/because.h"
#include "kernel_shim/supervisor/debuggers.h"
#include "kernel_shim/supervisor/parts.h"
#include "kernel_shim/supervisor/scheme_set.h"

namespace halfcell::supervisor {

namespace {

// What only the host can have done.
std::string host_trouble(const std::string& what, Errno error) {
    return because(what, error) + "; halfcell check says more";
}

// sys:env shows one NAME=VALUE a line.
std::string joined_lines(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines)
        text += line + "\n";
    return text;
}

}  // namespace

Expected<std::unique_ptr<World>, std::string> World::create(const WorldOptions& options,
                                                            Surroundings surroundings) {
    std::unique_ptr<Doorkeeper> doorkeeper;
    if (!options.control.where.empty() || options.debugged) {
        auto started = Doorkeeper::start(options.control);
        if (!started) return unexpected(started.error());
        doorkeeper = std::move(*started);
    }
    // Before there are threads: they inherit which signals are its.
    auto terminal =
        options.terminal && surroundings == Surroundings::kUserland ? HostTerminal::take_over() : nullptr;
    auto pool = host::create_memory_pool({.limit = options.memory_limit});
    if (!pool) return unexpected(host_trouble("cannot make the guest's memory", pool.error()));
    auto machines = agent::create_machine_factory();
    if (!machines) return unexpected(host_trouble("cannot start the zygote", machines.error()));
    const auto output = schemes::HostFile::open(STDOUT_FILENO);
    if (!output) return unexpected(host_trouble("cannot use standard output", output.error()));
    const auto input = schemes::HostFile::open(STDIN_FILENO);
    if (!input) return unexpected(host_trouble("cannot use standard input", input.error()));
    // Keys belong to the guest's terminal where there is one.
    auto console = std::make_unique<schemes::HostConsole>(*output, terminal ? nullptr : *input);

    auto parts = std::make_unique<Parts>(options, std::move(terminal), std::move(*pool), std::move(*machines),
                                         std::move(console));
    parts->doorkeeper = std::move(doorkeeper);
    task::Kernel& kernel = parts->kernel;
    kernel.contexts.set_limit(options.context_limit);
    kernel.environment = joined_lines(options.environment);
    if (options.trace.enabled) {
        auto tracer = syscall::make_tracer(options.trace.file, options.trace.json, options.trace.filters,
                                           parts->own_line_end());
        if (!tracer) return unexpected(tracer.error());
        parts->tracer = std::move(*tracer);
        parts->dispatcher.show_to(parts->tracer.get());
    }
    install_kernel(*parts);
    if (surroundings == Surroundings::kUserland)
        if (auto installed = install_userland(*parts); !installed) return unexpected(installed.error());
    if (!options.control.where.empty() && parts->processes != nullptr) {
        parts->debuggers = std::make_unique<Debuggers>(*parts);
        parts->trace_switch = std::make_unique<syscall::TraceSwitch>(parts->dispatcher, parts->tracer.get());
        auto control =
            RunControl::start(parts->doorkeeper->take_control_socket(), options.control, parts->kernel,
                              *parts->processes, *parts->trace_switch, *parts->debuggers);
        if (!control) return unexpected(control.error());
        parts->control = std::move(*control);
    }
    return std::unique_ptr<World>(new World(std::move(parts)));
}

World::World(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
World::~World() = default;

}  // namespace halfcell::supervisor
