#pragma once

// Signal state in memory that the program, the kernel and the process manager share. Every word is read and
// written atomically by all of them, so the words are plain integers here and go through the helpers below.
// Source: redox_syscall 0.7.4, src/sigabi.rs; signal numbers: signal.def.

#include <cstddef>
#include <cstdint>

#include "abi/flags.h"

namespace halfcell::abi {

#define HALFCELL_GROUP_BEGIN(group, width) \
    struct group {                         \
        using Bits = width;
#define HALFCELL_CONSTANT(group, rust_name, name, value) static constexpr Bits name = value;
#define HALFCELL_GROUP_END(group) \
    }                             \
    ;
#include "abi/signal.def"

inline constexpr std::uint32_t kSignalCount = 64;

// What a program does with one signal: handler address and ActionBits, then the mask, which the kernel never
// reads.
struct alignas(16) RawAction {
    std::uint64_t first;
    std::uint64_t user_data;
};

// One page of each process.
struct alignas(4096) SigProcControl {
    std::uint64_t pending;  // bit signal-1
    RawAction actions[64];
    std::uint64_t sender_infos[32];  // SenderInfo, signals 1..32
};

// Words of their own types upstream, since the one is atomic towards a signal handler only and the other not
// at all.
struct SigatomicUsize {
    std::uint64_t value;
};
struct NonatomicUsize {
    std::uint64_t value;
};

// One of each thread. word[k] holds, for the signals 32k+1..32k+32, the pending set in its low and the
// allowed (not blocked) set in its high half.
struct Sigcontrol {
    std::uint64_t word[2];
    std::uint64_t sender_infos[32];
    SigatomicUsize control_flags;  // SigcontrolFlags
    NonatomicUsize saved_ip;
    NonatomicUsize saved_archdep_reg;  // rflags
};

struct SenderInfo {
    std::uint32_t pid;
    std::uint32_t ruid;
};

constexpr std::uint64_t sender_info_raw(SenderInfo info) {
    return std::uint64_t{info.pid} | std::uint64_t{info.ruid} << 32;
}
constexpr SenderInfo sender_info_from_raw(std::uint64_t raw) {
    return {static_cast<std::uint32_t>(raw), static_cast<std::uint32_t>(raw >> 32)};
}

// The bit of `signal` (1..64) in a 64-bit set.
constexpr std::uint64_t signal_bit(std::uint32_t signal) {
    return std::uint64_t{1} << (signal - 1);
}

inline std::uint64_t load_relaxed(const std::uint64_t& word) {
    return __atomic_load_n(&word, __ATOMIC_RELAXED);
}

// The set of signals that wait for `thread` or its process and are allowed: what makes a sleep end with
// EINTR. Never blocks. Source: syscall:src/sigabi.rs Sigcontrol::currently_pending_unblocked.
inline std::uint64_t pending_unblocked(const Sigcontrol& thread, const SigProcControl& process) {
    const std::uint64_t shared = load_relaxed(process.pending);
    const std::uint64_t low = load_relaxed(thread.word[0]);
    const std::uint64_t high = load_relaxed(thread.word[1]);
    const std::uint64_t deliverable_low = (low | shared) & 0xffffffff & low >> 32;
    const std::uint64_t deliverable_high = (high | shared >> 32) & 0xffffffff & high >> 32;
    return deliverable_low | deliverable_high << 32;
}

// The allowed set of a thread, bit signal-1.
inline std::uint64_t allowed_set(const Sigcontrol& thread) {
    return load_relaxed(thread.word[0]) >> 32 | (load_relaxed(thread.word[1]) & 0xffffffff00000000);
}

// Makes `signal` (1..64) pending for one thread; returns whether the thread allows it.
inline bool raise_for_thread(Sigcontrol& thread, std::uint32_t signal) {
    const std::uint32_t index = signal - 1;
    const std::uint64_t bit = std::uint64_t{1} << (index % 32);
    const std::uint64_t before = __atomic_fetch_or(&thread.word[index / 32], bit, __ATOMIC_RELAXED);
    return (before >> 32 & bit) != 0;
}

// Whether the process ignores `signal`; `stop_or_continue` tells whether a SIGCHLD is about a child's stop or
// continuation. Source: syscall:src/sigabi.rs SigProcControl::signal_will_ign.
inline bool signal_will_ignore(const SigProcControl& process, std::uint32_t signal, bool stop_or_continue) {
    const std::uint64_t action = load_relaxed(process.actions[signal - 1].first);
    if ((action & ActionBits::kIgnored) != 0) return true;
    return signal == Signal::kChld && stop_or_continue && (action & ActionBits::kSigSpecific) != 0;
}

// Whether the default action of `signal` would stop the process now. SIGSTOP, which always stops, is not
// asked here. Source: syscall:src/sigabi.rs SigProcControl::signal_will_stop.
inline bool signal_will_stop(const SigProcControl& process, std::uint32_t signal) {
    const bool stops = signal == Signal::kTstp || signal == Signal::kTtin || signal == Signal::kTtou;
    return stops && (load_relaxed(process.actions[signal - 1].first) & ActionBits::kSigSpecific) != 0;
}

}  // namespace halfcell::abi
