#pragma once

// A file whose bytes are part of the supervisor's image.

#include <cstddef>
#include <span>
#include <string>

namespace halfcell::memfs {

struct FixedFile {
    std::string path;                  // canonical, relative to the root: "bin/ls"
    std::span<const std::byte> bytes;  // valid as long as the process
};

}  // namespace halfcell::memfs
