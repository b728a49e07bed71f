#pragma once

// What a supervisor and a scheme server of the host say to each other: the hand-over of a connection, then
// requests and answers in shared memory. The records themselves are Redox's (abi/scheme_msg.h). Both sides
// run on one machine, so words are native. README.md tells the story.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "abi/scheme_msg.h"

namespace halfcell::server {

// A server that the supervisor starts finds its rendezvous socket at the descriptor this variable names.
inline constexpr const char* kRendezvousVariable = "HALFCELL_SCHEME_SOCKET";

inline constexpr std::uint32_t kMagic = 0x6c636668;  // "hfcl"
inline constexpr std::uint32_t kVersion = 2;

using TokenBytes = std::array<std::uint8_t, 16>;

// Supervisor to server, on the rendezvous socket, with one descriptor: a connection, which the server makes
// its own by presenting the token on it.
struct HandoverOffer {
    std::uint32_t magic = kMagic;
    std::uint32_t version = kVersion;
    TokenBytes token{};
};
static_assert(sizeof(HandoverOffer) == 24);

// What goes over the connection, whole packets (SOCK_SEQPACKET), from either side.
enum class PacketKind : std::uint32_t {
    kPresent = 1,     // server: `token`; its root handle in `value`
    kAdopted = 2,     // supervisor: the token was right; with the descriptors of Region, in order
    kBell = 3,        // either: there is something new, for one that sleeps on the socket
    kDescriptor = 4,  // server: one descriptor, for the answer to the request `tag`
};
struct Packet {
    PacketKind kind{};
    std::uint32_t tag = 0;
    std::uint64_t value = 0;
    TokenBytes token{};
};
static_assert(sizeof(Packet) == 32);

// The shared memory, as files that come with kAdopted. Nobody can change their sizes.
enum class Region : std::uint8_t {
    kRequests = 0,  // RequestPage: only the supervisor can write to it
    kAnswers = 1,   // AnswerPage: the server's
    kBuffers = 2,   // kBuffersSize bytes; requests name their buffers by offset in it
};
inline constexpr std::size_t kRegions = 3;

inline constexpr std::uint64_t kBuffersSize = std::uint64_t{256} << 20;
// What stands for a buffer of no bytes.
inline constexpr std::uint64_t kEmptyBuffer = std::uint64_t{1} << 62;

inline constexpr std::uint32_t kRequestSlots = 256;  // powers of two, so that counters may wrap
inline constexpr std::uint32_t kAnswerSlots = 1024;

inline constexpr std::uint32_t kAnyCpu = UINT32_MAX;

// What a side says of itself in its own page, so that the other one knows how to wake it. Both set it, then
// look once more for what is new, then wait; whoever makes something new stores that, then looks here. A
// value of no kind is kOnSocket.
enum class Sleep : std::uint32_t {
    kAwake = 0,     // it will look by itself
    kOnBell = 1,    // add one to the `bell` of the other page, then FUTEX_WAKE it (it is shared)
    kOnSocket = 2,  // send a packet kBell
};

// Counters count records since the beginning, modulo 2^32; a slot is a counter modulo the number of slots.
// Each page has one writer; what the other one reads there is checked before it is believed. New are: what
// has been produced, answers consumed for a server whose ring is full, requests consumed for a supervisor
// that wants room.
struct RequestPage {
    std::atomic<std::uint32_t> produced{0};          // requests
    std::atomic<std::uint32_t> answers_consumed{0};  // of the server's
    std::atomic<Sleep> sleep{Sleep::kAwake};         // of the supervisor
    std::atomic<std::uint32_t> bell{0};              // the supervisor rings, the server sleeps on it
    std::atomic<std::uint32_t> wants_room{0};        // not 0: requests wait for slots
    // The CPU whose callers wait for answers: a server that runs there too is reached without a wake-up
    // across CPUs. Advice; kAnyCpu where there is none.
    std::atomic<std::uint32_t> cpu{kAnyCpu};
    std::uint32_t _padding[10]{};
    abi::Sqe requests[kRequestSlots]{};
};
struct AnswerPage {
    std::atomic<std::uint32_t> produced{0};           // answers
    std::atomic<std::uint32_t> requests_consumed{0};  // of the supervisor's
    std::atomic<Sleep> sleep{Sleep::kAwake};          // of the server
    std::atomic<std::uint32_t> bell{0};               // the server rings, the supervisor sleeps on it
    std::uint32_t _padding[12]{};
    abi::Cqe answers[kAnswerSlots]{};
};
static_assert(std::atomic<std::uint32_t>::is_always_lock_free && std::atomic<Sleep>::is_always_lock_free);
static_assert(offsetof(RequestPage, requests) == 64 && offsetof(AnswerPage, answers) == 64);

// Whole pages, as the files are.
inline constexpr std::uint64_t kRequestPageSize = (sizeof(RequestPage) + 4095) / 4096 * 4096;
inline constexpr std::uint64_t kAnswerPageSize = (sizeof(AnswerPage) + 4095) / 4096 * 4096;

// Completions that mean something else than Redox's, and two more. A descriptor is a token (bit 63), which
// the server has named and the supervisor keeps for it, or kNextDescriptor: the next that came for the tag.
//   ObtainFd             keeps all that was sent with `tag`, `extra` of them, as tokens from `result` on
//   RespondWithFd        `result` is a descriptor; for MmapPrep an offset in the next one that came
//   MoveFd               adds the descriptor `result` to the answer to `tag`
//   ForgetFd             closes the token `result`
inline constexpr std::uint8_t kMoveFd = 6;
inline constexpr std::uint8_t kForgetFd = 7;
inline constexpr std::uint64_t kTokenBit = std::uint64_t{1} << 63;
inline constexpr std::uint64_t kNextDescriptor = 0;

}  // namespace halfcell::server
