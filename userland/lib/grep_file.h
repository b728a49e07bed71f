#pragma once

// The search of one file, for grep.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "userland/lib/regex.h"
#include "userland/rt/syscall.h"

namespace halfcell::userland {

struct GrepOptions {
    enum class Binary { kReport, kText, kSkip };
    Binary binary = Binary::kReport;
    std::optional<bool> show_name;
    bool show_offset = false;
    bool show_number = false;
    bool count = false;
    bool invert = false;
    bool names_without = false;
    bool names_with = false;
    bool only_matching = false;
    bool quiet = false;
    std::uint64_t before = 0;
    std::uint64_t after = 0;
    std::uint64_t most = ~std::uint64_t{0};
    std::string literal;  // Not empty: the pattern is this text.
};

// Searches from the descriptor's offset to the end and prints what the options ask for. Returns whether a
// line was selected (for names_without: whether the name was printed).
Result<bool> grep_file(Fd file, std::string_view name, Regex& regex, const GrepOptions& options);

}  // namespace halfcell::userland
