#pragma once

// How the program tells of a failure: what it was about, the sentence of the error, and its name.

#include <string>

#include "abi/error.h"

namespace halfcell::supervisor {

inline std::string because(const std::string& what, abi::Errno error) {
    return what + ": " + abi::errno_text(error) + " (" + abi::errno_name(error) + ")";
}

}  // namespace halfcell::supervisor
