#pragma once

// How gdb names threads: "pPROCESS.THREAD", both hexadecimal.

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

#include "kernel_shim/gdb/wire.h"

namespace halfcell::gdb {

// One thread. Neither number is 0; a thread's is its own throughout the run, whatever process it is in.
struct ThreadName {
    std::uint64_t process = 0;
    std::uint64_t thread = 0;
    friend auto operator<=>(const ThreadName&, const ThreadName&) = default;
};

// Which threads a packet means. Nothing: all of them; gdb's 0, "any", is nothing as well.
struct ThreadPattern {
    std::optional<std::uint64_t> process;
    std::optional<std::uint64_t> thread;
    [[nodiscard]] bool matches(const ThreadName& name) const {
        return process.value_or(name.process) == name.process && thread.value_or(name.thread) == name.thread;
    }
};

// "p1.2", "p1" (all of 1), "p1.-1", "2", "-1", "0"; nullopt where there is none of these in front.
[[nodiscard]] std::optional<ThreadPattern> read_thread_pattern(Reader& reader);

// "p1.2"; "2" for a gdb that does not know of processes.
[[nodiscard]] std::string to_text(const ThreadName& name, bool multiprocess);

}  // namespace halfcell::gdb
