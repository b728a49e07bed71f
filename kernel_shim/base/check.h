#pragma once

// Assertions for our own bugs. They stay on in release; guest input never reaches one.

namespace halfcell {

// Prints what was checked and where, then aborts. Never returns.
[[noreturn]] void check_failed(const char* expression, const char* file, int line, const char* message);

}  // namespace halfcell

#define HC_CHECK(condition, message)                                                           \
    do {                                                                                       \
        if (__builtin_expect(!(condition), 0))                                                 \
            ::halfcell::check_failed(#condition, __builtin_FILE(), __builtin_LINE(), message); \
    } while (false)
