#pragma once

// Reads an ELF executable without believing a word of it. Pure: bytes in, a checked description out.
// Source of what Redox accepts: relibc:redox-rt/src/proc.rs fexec_impl.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kernel_shim/base/result.h"

namespace halfcell::boot {

// Why a file is not a program we can run. Shown to the user in one line; the exit status is 126.
enum class ElfProblem : std::uint8_t {
    kNotElf,
    kTruncated,
    kNot64Bit,
    kNotLittleEndian,
    kWrongMachine,
    kNotExecutable,
    kLinuxProgram,
    kNoSegments,
    kTooManySegments,
    kBadSegment,
    kSegmentsOverlap,
    kBadEntry,
    kBadInterpreter,
};

// One sentence without a full stop, for "halfcell: PROGRAM: <sentence>".
[[nodiscard]] std::string_view describe(ElfProblem problem);

// Of one program header, in bytes: AT_PHENT.
inline constexpr std::uint64_t kProgramHeaderSize = 56;

struct ElfSegment {
    std::uint64_t file_offset = 0;
    std::uint64_t file_size = 0;
    std::uint64_t address = 0;  // relative to the load bias for position-independent files
    std::uint64_t memory_size = 0;
    bool write = false;
    bool execute = false;

    // The pages it occupies.
    [[nodiscard]] std::uint64_t first_page() const { return address & ~std::uint64_t{4095}; }
    [[nodiscard]] std::uint64_t end_page() const {
        return (address + memory_size + 4095) & ~std::uint64_t{4095};
    }
};

struct ElfImage {
    bool position_independent = false;
    std::uint64_t entry = 0;
    std::vector<ElfSegment> segments;   // ascending, no two on one page, none empty
    std::string interpreter;            // empty where there is none
    std::uint64_t program_headers = 0;  // where they lie in memory; 0 where no segment contains them
    std::uint16_t program_header_count = 0;

    [[nodiscard]] std::uint64_t first_page() const { return segments.front().first_page(); }
    [[nodiscard]] std::uint64_t end_page() const { return segments.back().end_page(); }
};

// Checks everything loading relies on: headers and segments inside the file, addresses inside user space and
// ascending, file size <= memory size, the entry inside an executable segment.
[[nodiscard]] Expected<ElfImage, ElfProblem> parse_elf(std::span<const std::byte> file);

}  // namespace halfcell::boot
