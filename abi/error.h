#pragma once

// The one error enum of the project: what a Redox program gets as -errno in rax.

#include <cstdint>

namespace halfcell::abi {

// Enumerators carry a k because <errno.h> makes the bare names macros.
enum class Errno : std::int32_t {
#define HALFCELL_ERRNO(name, value, text) k##name = value,
#include "abi/error.def"
#undef HALFCELL_ERRNO
};

// Codes 1..kErrnoCount-1 are errors; anything else in rax is a success value.
inline constexpr std::int32_t kErrnoCount = 133;

// Rust's name of an error ("EBADF"), or nullptr where the code is unknown. Never blocks, never fails.
constexpr const char* errno_name(Errno error) {
    switch (error) {
#define HALFCELL_ERRNO(name, value, text) \
    case Errno::k##name:                  \
        return #name;
#include "abi/error.def"
#undef HALFCELL_ERRNO
    }
    return nullptr;
}

// The sentence redox_syscall has for an error ("Bad file number"), or nullptr where the code is unknown.
constexpr const char* errno_text(Errno error) {
    switch (error) {
#define HALFCELL_ERRNO(name, value, text) \
    case Errno::k##name:                  \
        return text;
#include "abi/error.def"
#undef HALFCELL_ERRNO
    }
    return nullptr;
}

// Encodes an error as the kernel leaves it in rax: the negated code, sign-extended.
// Source: syscall:src/error.rs Error::mux.
constexpr std::uint64_t mux_error(Errno error) {
    return static_cast<std::uint64_t>(-static_cast<std::int64_t>(error));
}

// The error in a muxed result, or 0 where it is a success value. Only the low 32 bits decide, as upstream.
// Source: syscall:src/error.rs Error::demux.
constexpr std::int32_t demux_errno(std::uint64_t value) {
    const auto low = static_cast<std::int32_t>(static_cast<std::uint32_t>(value));
    const std::int64_t code = -static_cast<std::int64_t>(low);
    return code >= 1 && code < kErrnoCount ? static_cast<std::int32_t>(code) : 0;
}

}  // namespace halfcell::abi
