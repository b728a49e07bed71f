#include "kernel_shim/supervisor/belongings.h"

#include <unistd.h>

#include "kernel_shim/supervisor/because.h"
#include "schemes/host_server/broker.h"

namespace halfcell::supervisor {

namespace {

std::string lacking(const std::string& what, Errno error) {
    return because(what, error) + "; halfcell check says more";
}

Expected<void, std::string> send_brokers_ahead(const WorldOptions& options, Belongings& belongings) {
    for (const HostScheme& wanted : options.host_schemes) {
        auto link = wanted.command.empty() ? host_server::make_socket_link(wanted.socket)
                                           : host_server::make_command_link(wanted.command);
        auto broker = host_server::reach_through_broker(std::move(link));
        if (!broker) return unexpected(lacking("--scheme " + wanted.name, broker.error()));
        belongings.servers.push_back(std::move(*broker));
    }
    return {};
}

}  // namespace

std::string_view own_line_end(const HostTerminal* terminal) {
    return terminal != nullptr && terminal->is(STDERR_FILENO) ? "\r\n" : "\n";
}

Expected<Belongings, std::string> collect_belongings(const WorldOptions& options, Surroundings surroundings) {
    const bool userland = surroundings == Surroundings::kUserland;
    Belongings belongings;
    if (userland && (!options.control.where.empty() || options.debugged)) {
        auto started = Doorkeeper::start(options.control);
        if (!started) return unexpected(started.error());
        belongings.doorkeeper = std::move(*started);
    }
    if (userland)
        if (auto sent = send_brokers_ahead(options, belongings); !sent) return unexpected(sent.error());
    // Before there are threads: they inherit which signals are its.
    if (options.terminal && userland) belongings.terminal = HostTerminal::take_over();
    auto output = schemes::HostFile::open(STDOUT_FILENO);
    if (!output) return unexpected(lacking("cannot use standard output", output.error()));
    belongings.output = std::move(*output);
    auto input = schemes::HostFile::open(STDIN_FILENO);
    if (!input) return unexpected(lacking("cannot use standard input", input.error()));
    belongings.input = std::move(*input);
    if (userland) {
        auto stdio = schemes::StdioScheme::create();
        if (!stdio) return unexpected(lacking("cannot use the standard files", stdio.error()));
        belongings.stdio = std::move(*stdio);
    }
    if (options.trace.enabled) {
        auto tracer = syscall::make_tracer(options.trace.file, options.trace.json, options.trace.filters,
                                           own_line_end(belongings.terminal.get()));
        if (!tracer) return unexpected(tracer.error());
        belongings.tracer = std::move(*tracer);
    }
    return belongings;
}

}  // namespace halfcell::supervisor
