#pragma once

// The guest programs that are part of the supervisor's own image: what the initfs scheme serves. Host code.

#include <cstddef>
#include <span>
#include <string_view>

namespace halfcell::userland {

struct EmbeddedProgram {
    std::string_view name;             // As in guest's PATH: "ls", "[".
    std::span<const std::byte> image;  // An ELF file.
};

// All of them, sorted by name; valid as long as the process. Never blocks, never fails.
std::span<const EmbeddedProgram> embedded_programs();

}  // namespace halfcell::userland
