#pragma once

// The files of the sys scheme: what each shows, or what a write to it does. Formats are upstream's to the
// byte, since programs parse them. Source: kernel:src/scheme/sys/.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "kernel_shim/scheme/caller.h"
#include "kernel_shim/task/kernel.h"

namespace halfcell::schemes::sys {

enum class StopRequest { kShutdown, kReset, kEmergencyReset };

// Where the numbers come from. The kernel outlives the scheme; every function may be called from any thread.
struct Sources {
    task::Kernel& kernel;
    std::function<std::string()> log;            // the kernel's log
    std::function<std::uint64_t()> pipe_count;   // pipes and pipe roots
    std::function<std::uint64_t()> timer_count;  // armed timers of the time scheme
    std::function<void()> clock_changed;         // called after real time was set
    std::function<void(StopRequest)> stop;       // ends the run; may return before it has ended
};

// Text of a readable file, made for one reader.
using Reader = std::function<Result<std::string>(const Sources&, const scheme::Caller&)>;
// Takes what was written to a write-only file and returns the bytes used.
using Writer = std::function<Result<std::uint64_t>(const Sources&, std::string_view)>;

// Exactly one of the two is set.
struct File {
    std::string_view name;
    Reader read;
    Writer write;
};

// All files in the order of the directory.
const std::vector<File>& files();

// --- readers, by file.

// context_files.cpp: a line or a paragraph per context, the idle one first.
Result<std::string> read_block(const Sources& sources, const scheme::Caller& caller);
Result<std::string> read_context(const Sources& sources, const scheme::Caller& caller);
Result<std::string> read_syscall(const Sources& sources, const scheme::Caller& caller);
// iostat_file.cpp: every descriptor of every context; asks each scheme for the path.
Result<std::string> read_iostat(const Sources& sources, const scheme::Caller& caller);
// cpu_file.cpp: what the host's processor says of itself.
Result<std::string> read_cpu(const Sources& sources, const scheme::Caller& caller);
// stat_file.cpp: counters.
Result<std::string> read_stat(const Sources& sources, const scheme::Caller& caller);
// machine_files.cpp: exe, env, irq, log, spurious_irq, uname.
Result<std::string> read_exe(const Sources& sources, const scheme::Caller& caller);
Result<std::string> read_env(const Sources& sources, const scheme::Caller& caller);
Result<std::string> read_irq(const Sources& sources, const scheme::Caller& caller);
Result<std::string> read_log(const Sources& sources, const scheme::Caller& caller);
Result<std::string> read_spurious_irq(const Sources& sources, const scheme::Caller& caller);
Result<std::string> read_uname(const Sources& sources, const scheme::Caller& caller);

// --- writers (control_files.cpp).

// Exactly 16 bytes, the nanoseconds between the epoch and the start of the run; else EINVAL.
Result<std::uint64_t> write_update_time_offset(const Sources& sources, std::string_view text);
// shutdown, reset or emergency_reset, blanks around it allowed; else EINVAL. Ends the run.
Result<std::uint64_t> write_kstop(const Sources& sources, std::string_view text);

// CPUs the run may use: those that the first thread to ask may use.
unsigned cpu_count();

// --- the parts context_files.cpp is made of, for tests.

// A count of bytes as sys:context shows it, overflowing fractions included (2047 is "1.102 KB").
std::string format_bytes(std::uint64_t bytes);
// The first `cpus` CPUs as an affinity mask, words in hex; a multiple of 64 shows its last word as 0.
std::string format_affinity(unsigned cpus);

// A context as the reports list it; the idle context, which only exists on paper, has no `context`.
struct Row {
    std::uint32_t pid = 0;
    std::string name;
    std::shared_ptr<task::Context> context;
};
// All of them, sorted by pid, otherwise in the order of their making.
std::vector<Row> rows(const task::ContextTable& contexts);

}  // namespace halfcell::schemes::sys
