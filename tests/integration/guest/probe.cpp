// probe VERB [ARGUMENTS]: does one thing, so that a test on the host can watch what becomes of it.

#include <string>
#include <vector>

#include "abi/proc_call.h"
#include "abi/termios.h"
#include "userland/rt/file.h"
#include "userland/rt/output.h"
#include "userland/rt/process.h"
#include "userland/rt/thread.h"

namespace halfcell::userland {
namespace {

std::uint64_t to_number(std::string_view text) {
    std::uint64_t value = 0;
    for (const char digit : text)
        value = value * 10 + static_cast<std::uint64_t>(digit - '0');
    return value;
}

[[noreturn]] void wait_for_ever() {
    const abi::TimeSpec request{.tv_sec = std::int64_t{1} << 60, .tv_nsec = 0};
    for (;;)
        (void)sys_nanosleep(request);
}

void ready() {
    (void)write_all(Fd::kStdout, "ready\n");
}

// fault KIND: ends by that fault.
void fault(std::string_view kind) {
    if (kind == "write") __asm__ volatile("movq %%rax, 8" ::: "memory");
    if (kind == "jump") __asm__ volatile("movl $8, %%eax\n jmpq *%%rax" ::: "memory");
    if (kind == "undefined") __asm__ volatile("ud2");
    if (kind == "breakpoint") __asm__ volatile("int3");
    if (kind == "divide") __asm__ volatile("xorl %%ecx, %%ecx\n divl %%ecx" ::: "eax", "ecx", "edx");
    if (kind == "privilege") __asm__ volatile("hlt");
    if (kind == "address")
        __asm__ volatile("movq $1, %%rax\n shlq $63, %%rax\n movq %%rax, (%%rax)" ::: "rax");
}

// Each kind of waiting, so that an end can find the program in it.
void read_empty_pipe(void*) {
    const Result<UniqueFd> pipe = open_file("/scheme/pipe", abi::OpenFlags::kRdwr);
    if (!pipe) return;
    std::byte buffer[16];
    (void)sys_read(pipe->fd(), buffer);
}
void wait_on_futex(void*) {
    const std::uint32_t word = 0;
    for (;;)
        futex_wait(&word, 0);
}
void sleep_long(void*) {
    wait_for_ever();
}
void spin(void*) {
    for (;;)
        __asm__ volatile("pause");
}
void make_calls(void*) {
    const Result<UniqueFd> zero = open_file("/scheme/zero", abi::OpenFlags::kRdonly);
    std::byte buffer[64];
    for (;;) {
        sys_yield();
        if (zero) (void)sys_read(zero->fd(), buffer);
    }
}
void map_and_unmap(void*) {
    for (;;) {
        const Result<std::byte*> memory = map_anonymous(64 * 1024);
        if (!memory) continue;
        (*memory)[0] = std::byte{1};
        (void)unmap(*memory, 64 * 1024);
    }
}
void start_and_end(void*) {
    for (;;) {
        Result<Thread> thread = Thread::start([](void*) {}, nullptr);
        if (thread) thread->join();
    }
}
void open_and_close(void*) {
    for (;;) {
        const Result<UniqueFd> file =
            open_file("/probe-file", abi::OpenFlags::kRdwr | abi::OpenFlags::kCreat, 0644);
        (void)file;
    }
}

struct Activity {
    std::string_view name;
    Thread::Entry run;
};
constexpr Activity kActivities[] = {
    {"pipe", read_empty_pipe},  {"futex", wait_on_futex},
    {"sleep", sleep_long},      {"spin", spin},
    {"calls", make_calls},      {"map", map_and_unmap},
    {"threads", start_and_end}, {"files", open_and_close},
};

// stay COUNT ACTIVITY…: that many threads of each activity, and the first one sleeps.
int stay(std::span<const std::string_view> arguments) {
    std::vector<Thread> threads;
    for (const std::string_view name : arguments.subspan(1)) {
        for (const Activity& activity : kActivities) {
            if (activity.name != name) continue;
            for (std::uint64_t i = to_number(arguments[0]); i > 0; --i) {
                Result<Thread> thread = Thread::start(activity.run, nullptr);
                if (!thread) return 3;
                threads.push_back(std::move(*thread));
            }
        }
    }
    ready();
    wait_for_ever();
}

// leave COUNT ACTIVITY…: the same, but the first thread ends the program with status 5.
int leave(std::span<const std::string_view> arguments) {
    for (const std::string_view name : arguments.subspan(1)) {
        for (const Activity& activity : kActivities) {
            if (activity.name != name) continue;
            for (std::uint64_t i = to_number(arguments[0]); i > 0; --i) {
                // Leaked on purpose: nobody waits for them.
                auto* const thread = new Result<Thread>(Thread::start(activity.run, nullptr));
                if (!*thread) return 3;
            }
        }
    }
    out().flush();
    exit_now(5);
}

// count CALLS THREADS: each thread makes that many calls; prints how many came back right.
constinit std::uint64_t calls_each = 0;
void count_calls(void* result) {
    std::uint64_t good = 0;
    for (std::uint64_t i = 0; i < calls_each; ++i)
        if (raw_syscall(abi::SYS_YIELD) == 0) ++good;
    *static_cast<std::uint64_t*>(result) = good;
}
int count(std::span<const std::string_view> arguments) {
    calls_each = to_number(arguments[0]);
    const std::uint64_t amount = to_number(arguments[1]);
    std::vector<std::uint64_t> results(amount);
    {
        std::vector<Thread> threads;
        for (std::uint64_t& result : results) {
            Result<Thread> thread = Thread::start(count_calls, &result);
            if (!thread) return 3;
            threads.push_back(std::move(*thread));
        }
    }
    std::uint64_t total = 0;
    for (const std::uint64_t result : results)
        total += result;
    out().print(total, "\n");
    return 0;
}

// fill PATH: appends blocks until the scheme refuses; prints the bytes and the error's number.
int fill(std::string_view path) {
    constexpr std::uint64_t kFlags = abi::OpenFlags::kWronly | abi::OpenFlags::kCreat;
    const Result<UniqueFd> file = open_file(path, kFlags, 0644);
    if (!file) {
        out().print("open ", static_cast<int>(file.error()), "\n");
        return 0;
    }
    std::vector<std::byte> block(64 * 1024, std::byte{'f'});
    std::uint64_t total = 0;
    for (;;) {
        const Result<std::size_t> written = sys_write(file->fd(), block);
        if (!written) {
            out().print(total, " then ", static_cast<int>(written.error()), "\n");
            return 0;
        }
        total += *written;
    }
}

// open PATH COUNT: opens it until refused or COUNT are open; prints how many and the error's number.
int open_many(std::string_view path, std::uint64_t most) {
    std::vector<UniqueFd> files;
    while (files.size() < most) {
        Result<UniqueFd> file = open_file(path, abi::OpenFlags::kRdonly);
        if (!file) {
            out().print(files.size(), " then ", static_cast<int>(file.error()), "\n");
            return 0;
        }
        files.push_back(std::move(*file));
    }
    out().print(files.size(), "\n");
    return 0;
}

// hold BYTES: maps and touches memory in chunks of 1 MiB; prints how many and the error's number.
int hold(std::uint64_t most) {
    constexpr std::size_t kChunk = 1 << 20;
    std::uint64_t total = 0;
    while (total < most) {
        const Result<std::byte*> memory = map_anonymous(kChunk);
        if (!memory) {
            out().print(total, " then ", static_cast<int>(memory.error()), "\n");
            return 0;
        }
        for (std::size_t at = 0; at < kChunk; at += 4096)
            (*memory)[at] = std::byte{1};
        total += kChunk;
    }
    out().print(total, "\n");
    return 0;
}

// crowd COUNT: starts threads that sleep until refused; prints how many and the error's number.
int crowd(std::uint64_t most) {
    std::uint64_t started = 0;
    while (started < most) {
        auto* const thread = new Result<Thread>(Thread::start(sleep_long, nullptr));
        if (!*thread) {
            out().print(started, " then ", static_cast<int>(thread->error()), "\n");
            return 0;
        }
        ++started;
    }
    out().print(started, "\n");
    return 0;
}

// Both make children by the process manager's calls until refused, and print how many and the error's number.
// unborn COUNT: they are never started. zombies COUNT: they end, and nobody waits for them until the last is
// refused; then all are waited for, which makes room for one more.
Result<void> end_child(Fd child) {
    std::uint64_t words[] = {static_cast<std::uint64_t>(abi::ProcCall::kExit), 0};
    RT_TRY(sys_call(child, {}, 0, words));
    return sys_close(child);
}
Result<std::uint64_t> wait_for_any() {
    std::uint64_t words[] = {static_cast<std::uint64_t>(abi::ProcCall::kWaitpid), 0, 0};
    return sys_call(process().process, {}, 0, words);
}
int unborn(std::uint64_t most) {
    std::uint64_t made = 0;
    for (; made < most; ++made) {
        const Result<Fd> child = sys_dup(process().process, "fork");
        if (!child) {
            out().print(made, " then ", static_cast<int>(child.error()), "\n");
            return 0;
        }
    }
    out().print(made, "\n");
    return 0;
}
int zombies(std::uint64_t most) {
    std::uint64_t made = 0;
    for (; made < most; ++made) {
        const Result<Fd> child = sys_dup(process().process, "fork");
        if (!child) {
            out().print(made, " then ", static_cast<int>(child.error()), "\n");
            break;
        }
        if (!end_child(*child)) return 3;
    }
    for (std::uint64_t waited = 0; waited < made; ++waited)
        if (!wait_for_any()) return 4;
    return sys_dup(process().process, "fork") ? 0 : 5;
}

// capability: the error's number of opening the right to make schemes, 0 where it is there.
int capability() {
    const Result<UniqueFd> file = open_file("/scheme/namespace/scheme-creation-cap", abi::OpenFlags::kRdwr);
    out().print(file ? 0 : static_cast<int>(file.error()), "\n");
    return 0;
}

// show: arguments, environment and working directory, one a line.
int show(std::span<const std::string_view> arguments) {
    for (const std::string_view argument : arguments)
        out().print("argument ", argument, "\n");
    for (const std::string_view variable : process().environment)
        out().print("environment ", variable, "\n");
    out().print("directory ", process().working_directory, "\n");
    return 0;
}

// One setting of the terminal on standard input, as much of `value` as it fills.
template <typename Value>
Value terminal_setting(std::string_view name) {
    Value value{};
    const Result<Fd> setting = sys_dup(Fd::kStdin, name);
    if (!setting) return value;
    const UniqueFd owned(*setting);
    (void)sys_read(*setting, std::as_writable_bytes(std::span(&value, 1)));
    return value;
}

// terminal: rows, columns, foreground group and path of standard input's terminal, once more after each line.
int terminal() {
    std::byte line[256];
    for (;;) {
        const auto size = terminal_setting<abi::Winsize>("winsize");
        char path[64];
        const Result<std::size_t> length = sys_fpath(Fd::kStdin, path);
        out().print(size.ws_row, " ", size.ws_col, " ", terminal_setting<std::uint32_t>("pgrp"), " ",
                    std::string_view(path, length ? *length : 0), "\n");
        out().flush();
        const Result<std::size_t> count = sys_read(Fd::kStdin, line);
        if (!count || *count == 0) return 0;
    }
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const std::string_view verb = arguments.empty() ? std::string_view() : arguments[0];
    const auto rest = arguments.empty() ? arguments : arguments.subspan(1);
    if (verb == "exit") return static_cast<int>(to_number(rest[0]));
    if (verb == "fault") fault(rest[0]);
    if (verb == "stay") return stay(rest);
    if (verb == "leave") return leave(rest);
    if (verb == "count") return count(rest);
    if (verb == "fill") return fill(rest[0]);
    if (verb == "open") return open_many(rest[0], to_number(rest[1]));
    if (verb == "hold") return hold(to_number(rest[0]));
    if (verb == "crowd") return crowd(to_number(rest[0]));
    if (verb == "unborn") return unborn(to_number(rest[0]));
    if (verb == "zombies") return zombies(to_number(rest[0]));
    if (verb == "capability") return capability();
    if (verb == "show") return show(rest);
    if (verb == "terminal") return terminal();
    err().print("probe: no such verb\n");
    return 64;
}

}  // namespace halfcell::userland
