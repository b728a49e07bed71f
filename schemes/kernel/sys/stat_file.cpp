#include <sys/resource.h>

#include <algorithm>

#include "schemes/kernel/sys/files.h"

// Source: kernel:src/scheme/sys/stat.rs. Times are those of the supervisor, in milliseconds as upstream's;
// the guests' own are not known (host deviation), and interrupts are not seen at all.

namespace halfcell::schemes::sys {

namespace {

std::uint64_t milliseconds(const timeval& time) {
    return static_cast<std::uint64_t>(time.tv_sec) * 1000 + static_cast<std::uint64_t>(time.tv_usec) / 1000;
}

void add_line(std::string& text, const char* name, std::uint64_t value) {
    text.append(name).append(": ").append(std::to_string(value)).append("\n");
}

}  // namespace

Result<std::string> read_stat(const Sources& sources, const scheme::Caller&) {
    const task::Kernel& kernel = sources.kernel;
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const std::uint64_t user = milliseconds(usage.ru_utime), system = milliseconds(usage.ru_stime);
    const std::uint64_t uptime = kernel.clock.monotonic() / 1'000'000;
    const unsigned cpus = cpu_count();
    const std::uint64_t idle = uptime * cpus - std::min(uptime * cpus, user + system);

    const auto cpu_line = [](const std::string& name, std::uint64_t busy, std::uint64_t in_kernel,
                             std::uint64_t unused) {
        return name + " " + std::to_string(busy) + " 0 " + std::to_string(in_kernel) + " " +
               std::to_string(unused) + " 0\n";
    };
    std::string text = cpu_line("cpu ", user, system, idle);
    for (unsigned cpu = 0; cpu < cpus; ++cpu)
        text += cpu_line("cpu" + std::to_string(cpu), user / cpus, system / cpus, idle / cpus);
    constexpr int kVectors = 256;
    text += "IRQs 0";
    for (int i = 0; i < kVectors; ++i)
        text += " 0";
    text += "\n";

    // The idle context counts, too: it is alive and has been made.
    std::uint64_t alive = 1, running = 0, blocked = 0;
    for (const auto& context : kernel.contexts.all()) {
        ++alive;
        const bool runs =
            context->state() == task::RunState::kRunnable && context->waiter().reason() == nullptr;
        ++(runs ? running : blocked);
    }
    add_line(text, "boot_time", (kernel.clock.realtime() - kernel.clock.monotonic()) / 1'000'000'000);
    add_line(text, "context_switches", static_cast<std::uint64_t>(usage.ru_nvcsw + usage.ru_nivcsw));
    add_line(text, "contexts_created", kernel.contexts.created() + 1);
    add_line(text, "contexts_alive", alive);
    add_line(text, "contexts_running", running);
    add_line(text, "contexts_blocked", blocked);
    add_line(text, "event_registries", kernel.events.source_count());
    // The spelling of "subcribers" is upstream's.
    add_line(text, "event_subcribers", kernel.events.subscription_count());
    add_line(text, "futex_registries", kernel.futexes.address_count());
    add_line(text, "futex_subcribers", kernel.futexes.waiter_count());
    add_line(text, "pipe_subcribers", sources.pipe_count());
    add_line(text, "timeout_subscribers", sources.timer_count());
    return text;
}

}  // namespace halfcell::schemes::sys
