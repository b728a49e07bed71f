#pragma once

// One call as a trace shows it, argument by argument, before and after it ran.

#include "kernel_shim/base/text.h"
#include "kernel_shim/syscall/call_table.h"
#include "kernel_shim/syscall/describe_values.h"
#include "kernel_shim/syscall/fd_paths.h"
#include "kernel_shim/syscall/frame.h"

namespace halfcell::syscall {

// How a line is laid out: for people, or as one JSON object.
enum class TraceFormat : std::uint8_t { kText, kJson };

// Writes the arguments of `call` in two steps. The inputs are shown before the call runs, since it may change
// or take away what they name; from the first output on, arguments wait until it is over.
class ArgumentPrinter {
  public:
    // `row` is null for a number that is no call. All references outlive the printer.
    ArgumentPrinter(TextWriter& to, TraceFormat format, const CallRow* row, const Call& call, FdPaths& paths)
        : to_(to), format_(format), row_(row), call_(call), paths_(paths) {}

    void before();
    void after(const Result<std::uint64_t>& result);

  private:
    void print(const Argument& argument, std::size_t index, const Result<std::uint64_t>* result);
    void begin(const char* name);
    void print_value(TextWriter& to, const Argument& argument, std::size_t index,
                     const Result<std::uint64_t>* result);
    void print_raw();
    [[nodiscard]] std::uint64_t word(std::size_t index) const { return call_.args[index]; }

    TextWriter& to_;
    const TraceFormat format_;
    const CallRow* const row_;
    const Call& call_;
    FdPaths& paths_;
    std::size_t next_ = 0;
    bool first_ = true;
};

// The value of a successful call: a descriptor with its path, an address, a number.
void append_value(TextWriter& to, const CallRow* row, const Call& call, FdPaths& paths, std::uint64_t value);

}  // namespace halfcell::syscall
