#include <algorithm>
#include <cstdio>

#include "schemes/kernel/sys/files.h"
#include "schemes/kernel/sys/format_call.h"

// Files with a row per context. Source: kernel:src/scheme/sys/{block,context,syscall}.rs.

namespace halfcell::schemes::sys {

namespace {

// What a context takes of the kernel's memory: its stack, and the room for its vector registers.
constexpr std::uint64_t kKernelStack = 65536;
constexpr std::uint64_t kVectorRegisters = 1152;

std::string padded(std::string text, std::size_t width) {
    if (text.size() < width) text.append(width - text.size(), ' ');
    return text;
}

struct Memory {
    std::uint64_t private_bytes = 0;
    std::uint64_t shared_bytes = 0;
    bool any = false;
};
Memory memory_of(const mem::AddressSpace& space) {
    Memory memory;
    for (const mem::Grant& grant : space.grants()) {
        memory.any = true;
        switch (grant.kind) {
            case mem::GrantKind::kPrivate:
            case mem::GrantKind::kContiguous:
                memory.private_bytes += grant.range.size;
                break;
            case mem::GrantKind::kPhysical:
                break;
            case mem::GrantKind::kShared:
            case mem::GrantKind::kBorrowed:
            case mem::GrantKind::kFile:
                memory.shared_bytes += grant.range.size;
                break;
        }
    }
    return memory;
}

// Runnable, blocked with or without an end in sight, or dead.
char state_letter(task::Context& context) {
    switch (context.state()) {
        case task::RunState::kDead:
            return 'Z';
        case task::RunState::kNotStarted:
        case task::RunState::kStopped:
            return 'B';
        case task::RunState::kRunnable:
            break;
    }
    const char* const reason = context.waiter().reason();
    if (reason == nullptr) return 'R';
    return std::string_view(reason) == "nanosleep" ? 'S' : 'B';
}

std::string context_line(std::uint32_t pid, const task::Attributes& attributes, const std::string& state,
                         const std::string& cpu, const std::string& private_memory,
                         const std::string& shared_memory, const std::string& name) {
    return padded(std::to_string(pid), 6) + padded(std::to_string(attributes.euid), 6) +
           padded(std::to_string(attributes.egid), 6) + padded(state, 6) + padded(cpu, 6) +
           padded(format_affinity(cpu_count()), 11) + padded("00:00:00.00", 12) + padded(private_memory, 8) +
           padded(shared_memory, 8) + name + "\n";
}

}  // namespace

std::string format_bytes(std::uint64_t bytes) {
    struct Unit {
        std::uint64_t size;
        const char* name;
    };
    for (const Unit unit : {Unit{1 << 30, "GB"}, Unit{1 << 20, "MB"}, Unit{1 << 10, "KB"}}) {
        if (bytes <= unit.size) continue;
        std::string text = std::to_string(bytes / unit.size);
        char fraction[24] = "";
        if (text.size() == 1)
            std::snprintf(fraction, sizeof fraction, ".%02lu", bytes % unit.size / (unit.size / 100));
        else if (text.size() == 2)
            std::snprintf(fraction, sizeof fraction, ".%lu", bytes % unit.size / (unit.size / 10));
        return text + fraction + " " + unit.name;
    }
    return std::to_string(bytes) + " B";
}

std::string format_affinity(unsigned cpus) {
    std::string text;
    for (unsigned first = 0; first < cpus; first += 64) {
        const bool last = cpus - first <= 64;
        const std::uint64_t word = last ? (std::uint64_t{1} << (cpus % 64)) - 1 : UINT64_MAX;
        char digits[20];
        std::snprintf(digits, sizeof digits, "%lX", word);
        text.append(text.empty() ? "" : "_").append(digits);
    }
    return text;
}

std::vector<Row> rows(const task::ContextTable& contexts) {
    std::vector<Row> all = {{0, "[kmain]", nullptr}};
    for (const auto& context : contexts.all()) {
        task::Attributes attributes = context->attributes();
        all.push_back({attributes.pid, std::move(attributes.name), context});
    }
    std::stable_sort(all.begin(), all.end(), [](const Row& a, const Row& b) { return a.pid < b.pid; });
    return all;
}

Result<std::string> read_block(const Sources& sources, const scheme::Caller&) {
    std::string text;
    for (const Row& row : rows(sources.kernel.contexts)) {
        text += std::to_string(row.pid) + ": " + row.name + "\n";
        const char* const reason = row.context != nullptr ? row.context->waiter().reason() : nullptr;
        if (reason != nullptr) text.append("  ").append(reason).append("\n");
    }
    return text;
}

Result<std::string> read_context(const Sources& sources, const scheme::Caller& caller) {
    std::string text = padded("PID", 6) + padded("EUID", 6) + padded("EGID", 6) + padded("STAT", 6) +
                       padded("CPU", 6) + padded("AFFINITY", 11) + padded("TIME", 12) + padded("PRIVATE", 8) +
                       padded("SHARED", 8) + "NAME\n";
    for (const Row& row : rows(sources.kernel.contexts)) {
        if (row.context == nullptr) {
            text += context_line(0, {}, "RR", "#0", format_bytes(kVectorRegisters), "0 B", row.name);
            continue;
        }
        const std::shared_ptr<mem::AddressSpace> space = row.context->address_space();
        const Memory memory = space != nullptr ? memory_of(*space) : Memory{};
        std::string state(1, space == nullptr ? 'R' : memory.any ? 'U' : 'K');
        state += state_letter(*row.context);
        if (row.context->id() == caller.context) state += '+';
        const bool started = row.context->state() != task::RunState::kNotStarted;
        text += context_line(row.pid, row.context->attributes(), state, started ? "#0" : "?",
                             format_bytes(kKernelStack + kVectorRegisters + memory.private_bytes),
                             format_bytes(memory.shared_bytes), row.name);
    }
    return text;
}

Result<std::string> read_syscall(const Sources& sources, const scheme::Caller& caller) {
    const auto reader = TRY(sources.kernel.contexts.find(caller.context));
    const std::shared_ptr<mem::AddressSpace> space = reader->address_space();
    std::string text;
    for (const Row& row : rows(sources.kernel.contexts)) {
        text += std::to_string(row.pid) + ": " + row.name + "\n";
        if (row.context == nullptr || space == nullptr) continue;
        // Upstream tells what a context was in when it last left its CPU: for the reader that is nothing
        // until it has slept once, and its present call from then on (recordings p1, p13).
        if (row.context == reader && !reader->waiter().has_slept()) continue;
        if (const auto call = row.context->current_call())
            text += "  " + format_call(*space, call->number, call->args) + "\n";
    }
    return text;
}

}  // namespace halfcell::schemes::sys
