#pragma once

// The rows of table.def as data, for those who describe calls. Dispatch does not go through it.

#include <span>
#include <string_view>

#include "kernel_shim/syscall/argument.h"

namespace halfcell::syscall {

struct CallRow {
    std::uint32_t number;
    const char* constant;   // Rust's: "SYS_OPENAT"
    std::string_view name;  // "openat"
    Topic topic;
    Support support;
    ResultKind result;
    ArgumentList arguments;
    const char* note;
};

struct DeviationRow {
    std::uint32_t number;  // 0: every call
    DeviationClass deviation;
    const char* there;
    const char* here;
};

// In the order of table.def. Constant data; never blocks.
[[nodiscard]] std::span<const CallRow> call_rows();
[[nodiscard]] std::span<const DeviationRow> deviation_rows();

// The row of a number, or null where it is no call.
[[nodiscard]] const CallRow* find_call(std::uint32_t number);
// The row of a name ("openat"), or null.
[[nodiscard]] const CallRow* find_call(std::string_view name);

[[nodiscard]] const char* name_of(Topic topic);
[[nodiscard]] const char* name_of(Support support);
[[nodiscard]] const char* name_of(DeviationClass deviation);

}  // namespace halfcell::syscall
