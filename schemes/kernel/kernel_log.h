#pragma once

// The kernel's log: what sys:log shows. Source: kernel:src/log.rs.

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "kernel_shim/base/guarded.h"

namespace halfcell::schemes {

class KernelLog {
  public:
    // Bytes kept: the youngest. Source: kernel:src/log.rs, whose ring of 1 MiB is never quite full.
    static constexpr std::size_t kCapacity = (std::size_t{1} << 20) - 1;

    // Called with every line of the kernel's own, for the console; absent, they only enter the log.
    // Set before the first line. It must not log.
    void set_echo(std::function<void(std::string_view line)> echo) { echo_ = std::move(echo); }

    // Adds bytes as they are (what programs print to the console). Any thread.
    void append(std::string_view text);
    // A line of the kernel's own: "MODULE:WARN -- MESSAGE". Any thread.
    void warn(std::string_view module, std::string_view message);

    // The kept bytes, oldest first.
    [[nodiscard]] std::string text() const;

  private:
    std::function<void(std::string_view line)> echo_;
    Guarded<std::string, LockLevel::kLog> text_;
};

}  // namespace halfcell::schemes
