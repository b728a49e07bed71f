#include "kernel_shim/supervisor/confinement.h"

#include <unistd.h>

#include <cstdio>
#include <vector>

#include "kernel_shim/confine/call_filter.h"
#include "kernel_shim/confine/landlock.h"
#include "kernel_shim/confine/privileges.h"
#include "kernel_shim/supervisor/because.h"
#include "kernel_shim/supervisor/program_file.h"
#include "kernel_shim/wait/interrupter.h"

namespace halfcell::supervisor {

namespace {

using confine::FileGrant;
using confine::FileRights;

// Sanitizers look around in ways of their own: their programs are not confined.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kConfinable = false;
#else
constexpr bool kConfinable = true;
#endif

FileGrant grant(const std::string& path, bool read_only) {
    return {path, read_only ? FileRights::kRead : FileRights::kReadAndWrite};
}

bool shows_files(const WorldOptions& options) {
    return !options.root.empty() || !options.binds.empty() || bind_for_program(options).has_value();
}

std::vector<FileGrant> grants_of(const WorldOptions& options) {
    // What Linux lets everybody see of a process: whether a guest hides from us.
    std::vector<FileGrant> grants{grant("/proc", true)};
    if (!options.root.empty()) grants.push_back(grant(options.root, options.read_only));
    for (const Bind& bind : options.binds)
        grants.push_back(grant(bind.host, bind.read_only));
    if (!options.host_program.empty()) grants.push_back(grant(options.host_program, true));
    return grants;
}

std::string hold_up(const std::string& what, Errno error) {
    return because("cannot " + what, error) + "; halfcell check says more, --unconfined does without";
}

bool is_absent(Errno error) {
    return error == Errno::kENOSYS || error == Errno::kEOPNOTSUPP;
}

}  // namespace

Expected<void, std::string> confine_process(const WorldOptions& options) {
    if (!options.confined) {
        std::fputs(
            "halfcell: warning: unconfined: a guest that takes the supervisor over has all your rights\n",
            stderr);
        return {};
    }
    if (!kConfinable) return {};
    const auto dumps = options.core_dumps ? confine::CoreDumps::kAllowed : confine::CoreDumps::kNever;
    if (const auto given = confine::give_up_privileges(dumps); !given)
        return unexpected(hold_up("give up privileges", given.error()));
    const auto restricted = confine::restrict_files(grants_of(options));
    if (!restricted && !is_absent(restricted.error()))
        return unexpected(hold_up("give up files", restricted.error()));
    return {};
}

Expected<void, std::string> confine_calls(const WorldOptions& options, RunControl* control) {
    if (!options.confined || !kConfinable) return {};
    confine::Parts parts = confine::part::kEngine;
    if (shows_files(options)) parts |= confine::part::kFiles;
    if (!options.host_schemes.empty()) parts |= confine::part::kServers;
    if (options.terminal) parts |= confine::part::kTerminal;
    if (options.debugged || !options.control.where.empty()) parts |= confine::part::kVisitors;
    if (const auto restricted = confine::restrict_calls(parts, options.on_violation); !restricted)
        return unexpected(hold_up("give up calls", restricted.error()));
    Result<void> interrupter_restricted;
    wait::Interrupter::of_this_process().confine([&] {
        const confine::CallerIdentity own{.process = static_cast<std::uint64_t>(::getpid())};
        interrupter_restricted = confine::restrict_this_thread(
            confine::interrupter_calls(own, wait::kInterruptSignal), options.on_violation);
    });
    if (!interrupter_restricted)
        return unexpected(hold_up("give up calls of the interrupter", interrupter_restricted.error()));
    Result<void> control_restricted;
    if (control != nullptr)
        control->confine_thread([&] {
            control_restricted =
                confine::restrict_this_thread(confine::control_calls(), options.on_violation);
        });
    if (!control_restricted)
        return unexpected(hold_up("give up calls of the control socket", control_restricted.error()));
    return {};
}

}  // namespace halfcell::supervisor
