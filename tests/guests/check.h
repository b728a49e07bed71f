#pragma once

// What a test guest says about a condition that does not hold, and how it ends.

#include <string_view>

#include "userland/rt/output.h"
#include "userland/rt/process.h"

namespace halfcell::userland {

// Ends the program with status 1 and "FAIL: WHAT" where a condition does not hold.
inline void check(bool holds, std::string_view what) {
    if (holds) return;
    out().print("FAIL: ", what, '\n');
    exit_program(1);
}

// The value of a result, which must be there.
template <typename T>
T need(Result<T> result, std::string_view what) {
    if (!result) {
        out().print("FAIL: ", what, ": errno ", static_cast<int>(result.error()), '\n');
        exit_program(1);
    }
    if constexpr (!std::is_void_v<T>) return *std::move(result);
}

inline int passed() {
    out().write("PASS\n");
    return 0;
}

}  // namespace halfcell::userland
