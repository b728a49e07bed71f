#pragma once

// How the test guests report what is wrong.

#include <string_view>

#include "userland/rt/output.h"

namespace halfcell::userland {

inline int failures = 0;

inline void expect(bool condition, std::string_view what) {
    if (condition) return;
    ++failures;
    out().print("FAIL: ", what, '\n');
}

template <typename T>
void expect_error(const Result<T>& result, Errno error, std::string_view what) {
    expect(!result && result.error() == error, what);
    if (!result && result.error() != error) out().print("  errno ", static_cast<int>(result.error()), '\n');
    if (result) out().write("  succeeded\n");
}

// PASS as the last line, or status 1.
inline int verdict() {
    if (failures != 0) return 1;
    out().write("PASS\n");
    return 0;
}

}  // namespace halfcell::userland
