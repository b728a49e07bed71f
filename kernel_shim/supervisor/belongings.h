#pragma once

// What a run takes along from the host before it is confined.

#include <memory>
#include <vector>

#include "kernel_shim/base/result.h"
#include "kernel_shim/supervisor/doorkeeper.h"
#include "kernel_shim/supervisor/host_terminal.h"
#include "kernel_shim/supervisor/options.h"
#include "kernel_shim/supervisor/world.h"
#include "kernel_shim/syscall/trace.h"
#include "schemes/host_server/server_link.h"
#include "schemes/stdio/stdio.h"

namespace halfcell::supervisor {

struct Belongings {
    std::unique_ptr<Doorkeeper> doorkeeper;  // null where nobody can come in
    // Null where programs get the three files of the host instead of a terminal.
    std::unique_ptr<HostTerminal> terminal;
    // The console of Redox's kernel.
    std::shared_ptr<schemes::HostFile> output;
    std::shared_ptr<schemes::HostFile> input;
    std::shared_ptr<schemes::StdioScheme> stdio;  // null for a booted image
    std::unique_ptr<syscall::Tracer> tracer;      // null where nothing is traced
    // To the servers of options.host_schemes, in their order.
    std::vector<std::unique_ptr<host_server::ServerLink>> servers;
};

// How lines of our own end on standard error, where a raw terminal does not return the carriage for us.
[[nodiscard]] std::string_view own_line_end(const HostTerminal* terminal);

// Opens all of it. Call it while there is one thread. The error is one line for the user. Blocks for the
// host's work.
Expected<Belongings, std::string> collect_belongings(const WorldOptions& options, Surroundings surroundings);

}  // namespace halfcell::supervisor
