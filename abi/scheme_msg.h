#pragma once

// The protocol between the kernel and a scheme server: requests (Sqe) are read from the scheme's socket,
// completions (Cqe) are written to it. What the six arguments of each Opcode mean is in
// kernel_shim/user_scheme. Source: redox_syscall 0.7.4, src/schemev2.rs.

#include <cstddef>
#include <cstdint>

#include "abi/flags.h"

namespace halfcell::abi {

struct Sqe {
    std::uint8_t opcode;     // Opcode
    std::uint8_t sqe_flags;  // SqeFlags
    std::uint16_t _rsvd;
    std::uint32_t tag;
    std::uint64_t args[6];
    std::uint64_t caller;
};

struct Cqe {
    std::uint8_t flags;  // CqeOpcode in the low three bits
    std::uint8_t extra_raw[3];
    std::uint32_t tag;
    std::uint64_t result;
};

// The bits of Cqe::flags that hold the CqeOpcode; the others are ignored.
inline constexpr std::uint8_t kCqeOpcodeMask = 0x07;

// The three extra bytes of a completion as a number. Source: syscall:src/schemev2.rs Cqe::extra.
constexpr std::uint32_t cqe_extra(const Cqe& cqe) {
    return std::uint32_t{cqe.extra_raw[0]} | std::uint32_t{cqe.extra_raw[1]} << 8 |
           std::uint32_t{cqe.extra_raw[2]} << 16;
}

}  // namespace halfcell::abi
