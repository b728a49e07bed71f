#pragma once

// Splits a typed line into words: blanks separate, '…' and "…" keep them together, \ takes the next character
// as it is. No expansion of any kind: that is a shell's work.

#include <string>
#include <string_view>
#include <vector>

#include "kernel_shim/base/result.h"

namespace halfcell::supervisor {

// The words, or EINVAL where a quote is not closed.
[[nodiscard]] Result<std::vector<std::string>> split_words(std::string_view line);

}  // namespace halfcell::supervisor
