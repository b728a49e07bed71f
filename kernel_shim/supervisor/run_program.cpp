// World::run: a program, from its start to its exit status.

#include <algorithm>
#include <cstdio>
#include <optional>

#include "abi/proc_call.h"
#include "kernel_shim/base/spelling.h"
#include "kernel_shim/supervisor/because.h"
#include "kernel_shim/supervisor/debug_visit.h"
#include "kernel_shim/supervisor/exception_text.h"
#include "kernel_shim/supervisor/launch.h"
#include "kernel_shim/supervisor/terminal_bridge.h"
#include "kernel_shim/task/exception_signal.h"

namespace halfcell::supervisor {

namespace {

using schemes::PtyScheme;
using schemes::procmgr::Pid;

// What a shell of the host makes of a program's end. A fault gets the number of the signal a POSIX kernel
// would have sent for it, and a line, since nothing in the guest can have said a word about it.
int host_status(const std::string& name, const schemes::procmgr::ExitStatus& ended) {
    using Kind = schemes::procmgr::ExitStatus::Kind;
    constexpr int kSignalBase = 128;
    switch (ended.kind) {
        case Kind::kExited:
            return static_cast<int>(ended.code & 0xff);
        case Kind::kSignaled:
            return kSignalBase + static_cast<int>(ended.signal);
        case Kind::kException:
            break;
    }
    std::fprintf(stderr, "halfcell: %s: %s\n", name.c_str(), describe_exception(ended.exception).c_str());
    return kSignalBase + static_cast<int>(task::signal_of_exception(ended.exception.kind));
}

// Waits for the program's end; in the meantime its terminal is the host's.
Result<schemes::procmgr::ExitStatus> wait_for(World::Parts& parts, Pid pid,
                                              std::optional<PtyScheme::Hosted>& terminal) {
    if (!terminal) return parts.processes->wait_initial(pid);
    // The program holds its own references: what it closes shall be closed.
    terminal->slave = {};
    const auto hang_up = [&parts, &terminal, pid] {
        parts.terminals->close_terminal(*terminal->terminal);
        (void)parts.processes->signal_as_init(static_cast<std::int64_t>(pid), abi::Signal::kHup);
    };
    auto bridge = TerminalBridge::start(*parts.host_terminal, *terminal->terminal, hang_up);
    if (!bridge) (void)parts.processes->terminate(pid, abi::Signal::kKill);
    auto ended = parts.processes->wait_initial(pid);
    if (!bridge) return fail(bridge.error());
    bridge->reset();
    parts.terminals->close_terminal(*terminal->terminal);
    return ended;
}

// Schemes a trace was asked for in vain. Which ones there are only the run knows, and a guest may make more.
void tell_of_schemes_not_met(const World::Parts& parts) {
    if (parts.tracer == nullptr) return;
    for (const std::string& name : parts.tracer->filter().schemes_not_met()) {
        std::vector<std::string> there;
        for (const auto& scheme : parts.kernel.schemes.all())
            there.emplace_back(scheme->name());
        const auto meant = similar_word(name, there);
        std::fprintf(stderr, "halfcell trace: scheme=%s: no call had a descriptor of that scheme%s%s\n",
                     name.c_str(), std::ranges::find(there, name) != there.end() ? "" : ", and there is none",
                     meant && *meant != name ? ("; did you mean " + *meant + "?").c_str() : "");
    }
}

}  // namespace

int World::run(const std::vector<std::string>& words) {
    return run_with(words, nullptr);
}

int World::debug(const std::vector<std::string>& words, const std::string& listen) {
    auto visit = DebugVisit::open(*parts_, listen);
    if (!visit) {
        std::fprintf(stderr, "halfcell: %s\n", visit.error().c_str());
        return kExitOwnFailure;
    }
    parts_->before_start = [&](const auto& context) { return (*visit)->begin(context); };
    return run_with(words, visit->get());
}

// `visit`: a debugger that has seen the program's first context, or null.
int World::run_with(const std::vector<std::string>& words, DebugVisit* visit) {
    std::optional<PtyScheme::Hosted> terminal;
    if (parts_->host_terminal != nullptr) {
        terminal = parts_->terminals->host_terminal();
        terminal->terminal->set_winsize(parts_->host_terminal->size());
    }
    const auto started = launch(*parts_, words, terminal ? &*terminal : nullptr);
    if (!started) {
        std::fprintf(stderr, "halfcell: %s\n", started.error().message.c_str());
        return started.error().status;
    }
    if (visit != nullptr) {
        const std::string_view end = parts_->own_line_end();
        if (const auto waits = visit->start(); !waits) {
            std::fprintf(stderr, "halfcell: %s%s", because("cannot wait for gdb", waits.error()).c_str(),
                         end.data());
            (void)parts_->processes->terminate(*started, abi::Signal::kKill);
        } else {
            std::fprintf(stderr, "halfcell: %s waits for gdb:%s    %s%s", words.front().c_str(), end.data(),
                         visit->command_line(parts_->options.host_program).c_str(), end.data());
        }
    }
    const auto ended = wait_for(*parts_, *started, terminal);
    tell_of_schemes_not_met(*parts_);
    return ended ? host_status(words.front(), *ended) : kExitOwnFailure;
}

}  // namespace halfcell::supervisor
