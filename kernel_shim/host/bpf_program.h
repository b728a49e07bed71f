#pragma once

// The two seccomp filters of a guest, instruction by instruction. They are the boundary: nothing else in the
// project decides what a guest may ask of Linux, so they are short enough to be read aloud, and a test runs
// them through an evaluator of its own.

#include <linux/filter.h>

#include <cstdint>
#include <vector>

namespace halfcell::host {

// The places in the stub that the filters know. Instruction pointers are those the host reports: the address
// behind the `syscall` instruction.
struct StubSites {
    std::uint64_t page = 0;             // the stub's one code page
    std::uint64_t after_sigreturn = 0;  // its only rt_sigreturn
    std::uint64_t after_exit = 0;       // its only exit
};

// Filter A, for the agent and inherited by its threads: the calls the stub makes, from the stub's page. All
// else is a notification without a listener, which Linux answers with ENOSYS.
[[nodiscard]] std::vector<sock_filter> agent_filter(const StubSites& sites);

// Filter G, on top of A in every guest thread: everything is a notification, whatever its number, but
// rt_sigreturn and exit at their one place each. A call of another architecture (int 0x80) and one made by
// the vsyscall page become SIGSYS: on Redox neither is a call, both fault.
[[nodiscard]] std::vector<sock_filter> guest_filter(const StubSites& sites);

}  // namespace halfcell::host
