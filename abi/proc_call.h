#pragma once

// The process manager's protocol. A call is SYS_CALL on a process or thread descriptor whose metadata words
// are the number (ProcCall, ThreadCall) and its arguments; reading a process descriptor gives ProcMeta.
// Source: base:bootstrap/src/procmgr.rs, relibc:redox-rt/src/protocol.rs.

#include <cstddef>
#include <cstdint>

namespace halfcell::abi {

#define HALFCELL_ENUM_BEGIN(type, width) enum class type : width {
#define HALFCELL_ENUM_VALUE(type, variant, value) k##variant = value,
#define HALFCELL_ENUM_END(type) \
    }                           \
    ;
#define HALFCELL_GROUP_BEGIN(group, width) \
    struct group {                         \
        using Bits = width;
#define HALFCELL_CONSTANT(group, rust_name, name, value) static constexpr Bits name = value;
#define HALFCELL_GROUP_END(group) \
    }                             \
    ;
#include "abi/proc_call.def"

// What a read of a process descriptor gives, always from the start.
struct ProcMeta {
    std::uint32_t pid;
    std::uint32_t pgid;
    std::uint32_t ppid;
    std::uint32_t ruid;
    std::uint32_t euid;
    std::uint32_t suid;
    std::uint32_t rgid;
    std::uint32_t egid;
    std::uint32_t sgid;
    std::uint32_t ens;
    std::uint32_t rns;
};

// Payload of Sigq and Sigdeq.
struct RtSigInfo {
    std::uint64_t arg;
    std::int32_t code;
    std::uint32_t uid;
    std::uint32_t pid;
    std::uint32_t _padding;
};

// Payload of SetResugid; kKeepId leaves an id as it is.
struct Resugid {
    std::uint32_t ruid;
    std::uint32_t euid;
    std::uint32_t suid;
    std::uint32_t rgid;
    std::uint32_t egid;
    std::uint32_t sgid;
};
inline constexpr std::uint32_t kKeepId = 0xffffffff;

// The pgid argument of Setpgid that asks instead of setting.
inline constexpr std::uint64_t kQueryPgid = ~std::uint64_t{0};

inline constexpr std::size_t kProcessNameLength = 32;  // bytes of Rename that are kept
inline constexpr std::uint64_t kPriorityDefault = 20;
inline constexpr std::uint64_t kPriorityCount = 40;

// The argument of Exit: up to 0xff an exit code, else a signal in bits 8-15.
constexpr bool exit_word_is_code(std::uint64_t word) {
    return word <= 0xff;
}
constexpr std::uint32_t exit_word_signal(std::uint64_t word) {
    return static_cast<std::uint32_t>(word >> 8 & 0xff);
}
constexpr std::uint64_t exit_word_for_signal(std::uint32_t signal) {
    return std::uint64_t{signal} << 8;
}

// Wait statuses, as waitpid(2) knows them.
constexpr std::int32_t wait_status_exited(std::uint32_t code) {
    return static_cast<std::int32_t>((code & 0xff) << 8);
}
constexpr std::int32_t wait_status_signaled(std::uint32_t signal) {
    return static_cast<std::int32_t>(signal & 0x7f);
}
constexpr std::int32_t wait_status_stopped(std::uint32_t signal) {
    return static_cast<std::int32_t>(0x7f | (signal & 0xff) << 8);
}
inline constexpr std::int32_t kWaitStatusContinued = 0xffff;

constexpr bool wait_exited(std::int32_t status) {
    return (status & 0x7f) == 0;
}
constexpr std::uint32_t wait_exit_code(std::int32_t status) {
    return static_cast<std::uint32_t>(status >> 8 & 0xff);
}
constexpr bool wait_stopped(std::int32_t status) {
    return (status & 0xff) == 0x7f;
}
constexpr bool wait_continued(std::int32_t status) {
    return status == kWaitStatusContinued;
}
constexpr bool wait_signaled(std::int32_t status) {
    return (status & 0x7f) != 0 && (status & 0x7f) != 0x7f;
}
constexpr std::uint32_t wait_term_signal(std::int32_t status) {
    return static_cast<std::uint32_t>(status & 0x7f);
}
constexpr std::uint32_t wait_stop_signal(std::int32_t status) {
    return wait_exit_code(status);
}

}  // namespace halfcell::abi
