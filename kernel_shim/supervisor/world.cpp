#include "kernel_shim/supervisor/world.h"

#include "kernel_shim/agent/agent_machine.h"
#include "kernel_shim/host/memory_pool.h"
#include "kernel_shim/supervisor/because.h"
#include "kernel_shim/supervisor/confinement.h"
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
    auto belongings = collect_belongings(options, surroundings);
    if (!belongings) return unexpected(belongings.error());
    // Before the zygote: Linux lets a process reach into those only that are confined as it is.
    if (const auto confined = confine_process(options); !confined) return unexpected(confined.error());
    auto pool = host::create_memory_pool({.limit = options.memory_limit});
    if (!pool) return unexpected(host_trouble("cannot make the guest's memory", pool.error()));
    auto machines = agent::create_machine_factory();
    if (!machines) return unexpected(host_trouble("cannot start the zygote", machines.error()));
    auto interrupter = wait::Interrupter::start();
    if (!interrupter) return unexpected(host_trouble("cannot start the interrupter", interrupter.error()));
    auto parts = std::make_unique<Parts>(options, std::move(*interrupter), std::move(*belongings),
                                         std::move(*pool), std::move(*machines));
    task::Kernel& kernel = parts->kernel;
    kernel.contexts.set_limit(options.context_limit);
    kernel.environment = joined_lines(options.environment);
    if (parts->tracer != nullptr) parts->dispatcher.show_to(parts->tracer.get());
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
