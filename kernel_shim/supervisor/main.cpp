#include <unistd.h>

#include <cstdio>
#include <variant>

#include "kernel_shim/abi_report/abi_report.h"
#include "kernel_shim/bench/bench_command.h"
#include "kernel_shim/conform/conform_command.h"
#include "kernel_shim/control/ctl_command.h"
#include "kernel_shim/doctor/check_command.h"
#include "kernel_shim/host/sys.h"
#include "kernel_shim/supervisor/options.h"
#include "kernel_shim/supervisor/world.h"
#include "kernel_shim/syscall/compatibility.h"

namespace halfcell::supervisor {
namespace {

bool colour_wanted() {
    return ::isatty(STDOUT_FILENO) == 1;
}

// Builds the world and lets `use` run in it; 125 when it cannot be built.
template <typename Use>
int in_world(const WorldOptions& options, Surroundings surroundings, Use use) {
    auto world = World::create(options, surroundings);
    if (!world) {
        std::fprintf(stderr, "halfcell %s: %s\n", options.command.c_str(), world.error().c_str());
        return kExitOwnFailure;
    }
    return use(**world);
}

struct Execute {
    int operator()(const Finished& finished) const { return finished.status; }
    int operator()(const RunCommand& command) const {
        return in_world(command.world, Surroundings::kUserland,
                        [&](World& world) { return world.run(command.program); });
    }
    int operator()(const GdbCommand& command) const {
        return in_world(command.world, Surroundings::kUserland,
                        [&](World& world) { return world.debug(command.program, command.listen); });
    }
    int operator()(const BootCommand& command) const {
        return in_world(command.world, Surroundings::kKernelOnly,
                        [&](World& world) { return world.boot(command.image, command.base); });
    }
    int operator()(const CheckCommand& command) const {
        return doctor::run_check_command({.json = command.json, .colour = colour_wanted()});
    }
    int operator()(const AbiCommand& command) const {
        return abi_report::run_abi_command(
            {.json = command.json, .colour = colour_wanted(), .diff_file = command.compare_with});
    }
    int operator()(const BenchCommand& command) const {
        return bench::run_bench_command(
            {.json = command.json, .filter = command.filter, .repetitions = command.repetitions});
    }
    int operator()(const ConformCommand& command) const {
        return conform::run_conform_command({.words = command.words,
                                             .list = command.list,
                                             .json = command.json,
                                             .verbose = command.verbose,
                                             .junit_file = command.junit_file,
                                             .colour = colour_wanted(),
                                             .progress = ::isatty(STDERR_FILENO) == 1});
    }
    int operator()(const CtlCommand& command) const {
        return control::run_ctl_command(
            {.where = command.where, .words = command.words, .json = command.json});
    }
    int operator()(const CompatCommand&) const {
        std::fputs(syscall::compatibility_markdown().c_str(), stdout);
        return 0;
    }
};

}  // namespace
}  // namespace halfcell::supervisor

int main(int argc, char** argv) {
    if (!halfcell::host::occupy_standard_descriptors()) return halfcell::supervisor::kExitOwnFailure;
    halfcell::host::serve_files_of_others();
    return std::visit(halfcell::supervisor::Execute{}, halfcell::supervisor::parse_command_line(argc, argv));
}
