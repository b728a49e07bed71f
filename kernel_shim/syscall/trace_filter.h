#pragma once

// Which calls a trace shows: the expressions of -e.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kernel_shim/base/result.h"
#include "kernel_shim/syscall/frame.h"

namespace halfcell::syscall {

class TraceFilter {
  public:
    // Everything.
    TraceFilter() = default;

    // Adds one expression, a list of words with commas:
    //   openat,read      calls by name                !openat      every call but these
    //   %path            calls by topic: path, descriptor, transfer, metadata, memory, time
    //   %file            calls that take a path       %fd          calls that take a descriptor
    //   scheme=NAME      calls on descriptors of a scheme
    // Words that name calls add up, over all expressions; so do those that name schemes. A call is shown when
    // it is named, if any are, and its descriptor's scheme is, if any are. The error is one line for the
    // user.
    Expected<void, std::string> add(std::string_view expression);

    // Whether the calls of this number may be shown at all. Any thread; cheap.
    [[nodiscard]] bool wants_number(std::uint32_t number) const;
    // Whether this call is shown, for a number that is wanted. Ask before it runs: it may close its
    // descriptor.
    [[nodiscard]] bool wants_call(std::uint32_t number, const Call& call) const;

    // The schemes that were named, and that no descriptor of a call belonged to so far: a name may be of a
    // scheme that is still to come, so it takes until the end to call it a mistake. Any thread.
    [[nodiscard]] std::vector<std::string> schemes_not_met() const;

  private:
    Expected<void, std::string> add_word(std::string_view word);

    std::uint64_t chosen_ = 0;  // a bit for each row of the call table
    std::uint64_t excluded_ = 0;
    bool choosing_ = false;
    struct NamedScheme {
        std::string name;
        mutable std::atomic<bool> met{false};
    };
    std::vector<std::unique_ptr<const NamedScheme>> schemes_;
};

}  // namespace halfcell::syscall
