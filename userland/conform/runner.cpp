#include "userland/conform/runner.h"

#include <array>
#include <optional>
#include <string>

#include "userland/conform/context.h"
#include "userland/conform/verdict.h"
#include "userland/rt/child.h"
#include "userland/rt/fork.h"
#include "userland/rt/output.h"
#include "userland/rt/process_state.h"
#include "userland/rt/signal.h"

namespace halfcell::userland::conform {

namespace {

struct Outcome {
    Verdict verdict;
    std::string detail;
};

// The running probe, seen from the runner.
struct Running {
    uint64_t pipe;           // its verdicts come out here
    uint64_t thread = kAll;  // in boot
    uint32_t process = 0;    // else
};

struct Task {
    void (*probe)();
    uint64_t pipe;
};

void end_process() {
    exit_now(0);
}

// In boot: the first code of a context that has a copy of this one's memory.
void run_boot_task(uint64_t argument) {
    const auto* const task = reinterpret_cast<const Task*>(argument);
    run_and_report(task->probe, Fd{task->pipe}, end_boot_context);
}

Running start_in_boot(const Task& task, uint64_t reader) {
    static constinit Task copied{};  // at the same address in the copy
    copied = task;
    const uint64_t self = own_thread();
    const uint64_t space = dup(self, "addrspace");
    const uint64_t table = dup(self, "filetable");
    const LaidOut context = lay_out_context(run_boot_task, reinterpret_cast<uint64_t>(&copied));
    const uint64_t own_space = dup(space, "exclusive");
    const uint64_t own_table = dup(table, "copy");
    (void)furnish_context(context, own_space, own_table);
    (void)write_word(context.thread, "start", 0);
    for (const uint64_t fd : {self, space, table, own_space, own_table})
        (void)close(fd);
    return {.pipe = reader, .thread = context.thread};
}

std::optional<Running> start_in_userland(const Task& task, uint64_t reader) {
    const Result<uint32_t> child = fork_process();
    if (!child) return std::nullopt;
    if (*child == 0) {
        // Whatever it forks goes with it.
        (void)set_process_group(0, 0);
        run_and_report(task.probe, Fd{task.pipe}, end_process);
    }
    return Running{.pipe = reader, .process = *child};
}

// Waits for the pipe or the clock. The size of the record; 0 where the probe ended without one, nothing after
// the time is over.
std::optional<std::size_t> wait_for_record(uint64_t pipe, std::span<char> record, std::int64_t seconds) {
    const uint64_t queue = open_kernel(abi::GlobalSchemes::kEvent, "", Open::kRdwr);
    const uint64_t timer = open_kernel(abi::GlobalSchemes::kTime, "4", Open::kRdwr);
    const abi::Event on_pipe{pipe, Ready::kEventRead, 1};
    const abi::Event on_timer{timer, Ready::kEventRead, 2};
    abi::TimeSpec deadline{};
    if (const auto now = sys_clock_gettime(abi::Clock::kMonotonic)) deadline = *now;
    deadline.tv_sec += seconds;
    (void)write(queue, &on_timer, sizeof on_timer);
    (void)write(timer, &deadline, sizeof deadline);
    (void)write(queue, &on_pipe, sizeof on_pipe);
    abi::Event event{};
    while (read(queue, &event, sizeof event) == abi::mux_error(Errno::kEINTR)) {
    }
    (void)close(timer);
    (void)close(queue);
    if (event.data != 1) return std::nullopt;
    const uint64_t size = read(pipe, record.data(), record.size());
    return abi::demux_errno(size) == 0 ? size : 0;
}

std::string end_of(const Running& running, bool kill) {
    if (running.process == 0) {
        if (kill) (void)write_word(running.thread, "status", static_cast<uint64_t>(Verb::kForceKill));
        abi::CtxtStsBuf status{};
        const uint64_t handle = dup(running.thread, "status");
        (void)read(handle, &status, sizeof status);
        (void)close(handle);
        (void)close(running.thread);
        return concat("status ", status.status, ", exception ", status.excp.kind, " at ",
                      status.excp.address);
    }
    (void)send_signal(-static_cast<std::int64_t>(running.process), abi::Signal::kKill);
    (void)send_signal(running.process, abi::Signal::kKill);
    const Result<ChildNews> news = wait_for_child(running.process, 0);
    return news ? concat("status ", exit_status_of(news->status)) : "unknown";
}

Outcome run_one(const Probe& probe, std::int64_t seconds) {
    const uint64_t reader = open_kernel(abi::GlobalSchemes::kPipe, "", Open::kRdonly);
    const uint64_t writer = dup(reader, "write");
    const Task task{probe.run, writer};
    const auto running = surroundings() == Surroundings::kBoot ? std::optional(start_in_boot(task, reader))
                                                               : start_in_userland(task, reader);
    (void)close(writer);
    Outcome outcome{Verdict::kFail, "no context could be made for it"};
    if (running) {
        std::array<char, kLongestDetail + 1> record;
        const auto size = wait_for_record(reader, record, seconds);
        const std::string end = end_of(*running, !size);
        if (!size)
            outcome.detail = concat("no answer after ", seconds, " seconds");
        else if (*size == 0)
            outcome.detail = concat("ended without a verdict: ", end);
        else
            outcome = {static_cast<Verdict>(record[0]), std::string(record.data() + 1, *size - 1)};
    }
    (void)close(reader);
    return outcome;
}

// As a YAML scalar in double quotes.
std::string quoted_yaml(std::string_view text) {
    std::string yaml = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') yaml += '\\';
        yaml += c == '\n' ? ' ' : c;
    }
    return yaml + "\"";
}

void print(unsigned number, const Selected& selected, const Outcome& outcome) {
    const bool failed = outcome.verdict == Verdict::kFail;
    out().print(failed ? "not ok " : "ok ", number, " - ", selected.area->name, "/", selected.probe->name);
    if (outcome.verdict == Verdict::kSkip) out().print(" # SKIP ", outcome.detail);
    out().print("\n  ---\n  upstream: ", quoted_yaml(selected.probe->upstream), "\n");
    if (outcome.verdict == Verdict::kDeviates)
        out().print("  deviation: ", name_of(selected.probe->deviation), "\n");
    if (failed) out().print("  message: ", quoted_yaml(outcome.detail), "\n");
    out().print("  ...\n");
    out().flush();
}

}  // namespace

unsigned run_probes(std::span<const Selected> probes, std::int64_t seconds) {
    out().print("TAP version 14\n1..", probes.size(), "\n");
    out().flush();
    unsigned failures = 0;
    unsigned number = 0;
    for (const Selected& selected : probes) {
        const Outcome outcome = run_one(*selected.probe, seconds);
        if (outcome.verdict == Verdict::kFail) ++failures;
        print(++number, selected, outcome);
    }
    return failures;
}

}  // namespace halfcell::userland::conform
