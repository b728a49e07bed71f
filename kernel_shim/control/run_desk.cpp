#include "kernel_shim/control/run_desk.h"

#include <algorithm>
#include <utility>

#include "kernel_shim/control/people.h"
#include "kernel_shim/control/reports.h"
#include "kernel_shim/control/version.h"

namespace halfcell::control {

namespace {

// Lines of a tail; more would not be read by anybody at once.
constexpr std::uint64_t kMostLines = 1000;

std::string answer(OrderedJson report) {
    OrderedJson line;
    line["err"] = 0;
    for (auto& [key, value] : report.items())
        line[key] = std::move(value);
    return dump_json(line) + "\n";
}

std::string failure(Errno error) {
    return error_line(error, abi::errno_text(error));
}

std::string answer(Result<OrderedJson> report) {
    return report ? answer(std::move(*report)) : failure(report.error());
}

std::string answer(const Result<void>& done) {
    return done ? success_line() : failure(done.error());
}

bool is_among(const std::vector<ProcessSummary>& processes, std::uint32_t pid) {
    return std::ranges::find(processes, pid, &ProcessSummary::pid) != processes.end();
}

}  // namespace

Result<void> RunDesk::exists(std::uint32_t pid) {
    if (!is_among(processes_.processes(), pid)) return fail(Errno::kESRCH);
    return {};
}

OrderedJson RunDesk::state(const Order& order) {
    const auto processes = processes_.processes();
    OrderedJson report;
    report["version"] = version();
    report["kernel"] = report_kernel(kernel_);
    report.update(report_processes(kernel_, processes));
    report.update(report_schemes(kernel_));
    OrderedJson waits = report_waits(look_at_waits(kernel_, processes));
    report["deadlocks"] = std::move(waits["deadlocks"]);
    report["trace"] = {{"processes", tracing_.traced()}, {"recorded", tracing_.recorded()}};
    report["control"] = {{"connections", order.counts.connections},
                         {"accepted", order.counts.accepted},
                         {"refused", order.counts.refused},
                         {"commands", order.counts.commands}};
    return report;
}

std::string RunDesk::debug(const Request& request) {
    if (const auto known = exists(request.pid); !known) return failure(known.error());
    auto line = debuggers_.admit(request.pid, request.text);
    if (!line) return error_line(Errno::kEINVAL, line.error());
    OrderedJson report;
    report["command"] = std::move(*line);
    return answer(std::move(report));
}

std::string RunDesk::trace(const Request& request) {
    if (request.text == "off") {
        tracing_.forget(request.pid);
        return success_line();
    }
    const auto all = processes_.processes();
    if (!is_among(all, request.pid)) return failure(Errno::kESRCH);
    // Those that have gone keep no place from others; what they called stays in the ring.
    for (const std::uint32_t pid : tracing_.traced())
        if (!is_among(all, pid)) tracing_.forget(pid);
    const auto traced = tracing_.trace(request.pid, request.text == "on" ? "" : request.text);
    return traced ? success_line() : error_line(Errno::kEINVAL, traced.error());
}

std::string RunDesk::tail(const Request& request) {
    OrderedJson report;
    report["calls"] = tracing_.tail(request.pid, std::min(request.count, kMostLines));
    if (report["calls"].empty()) {
        if (const auto known = exists(request.pid); !known) return failure(known.error());
        const auto traced = tracing_.traced();
        if (std::ranges::find(traced, request.pid) == traced.end())
            return error_line(Errno::kEINVAL, "it is not traced; ask for that first: trace PID on");
    }
    return answer(std::move(report));
}

std::string RunDesk::carry_out(const Order& order) {
    const Request& request = order.request;
    switch (request.verb) {
        case Verb::kBlocked:
            return answer(report_waits(look_at_waits(kernel_, processes_.processes())));
        case Verb::kContinue:
            return answer(processes_.resume(request.pid));
        case Verb::kDescriptors:
            return answer(report_descriptors(kernel_, request.pid));
        case Verb::kKill:
            return answer(processes_.kill(request.pid));
        case Verb::kMaps:
            return answer(report_maps(kernel_, request.pid));
        case Verb::kProcesses:
            return answer(report_processes(kernel_, processes_.processes()));
        case Verb::kSchemes:
            return answer(report_schemes(kernel_));
        case Verb::kStat:
            return answer(state(order));
        case Verb::kStats:
            return for_people(state(order)) + "\n";
        case Verb::kStop:
            return answer(processes_.stop(request.pid));
        case Verb::kTail:
            return tail(request);
        case Verb::kTrace:
            return trace(request);
        case Verb::kDebug:
            return debug(request);
        case Verb::kHelp:
        case Verb::kLock:
        case Verb::kPing:
        case Verb::kPrompt:
        case Verb::kQuit:
        case Verb::kVersion:
            break;
    }
    // These are the connection's own; no order is made of them.
    return failure(Errno::kEINVAL);
}

}  // namespace halfcell::control
