#pragma once

// What the words of a call mean, for those who print them: the vocabulary of table.def.

#include <array>
#include <cstdint>

#include "abi/names.h"

namespace halfcell::syscall {

enum class ArgumentKind : std::uint8_t {
    kAbsent,   // the call has no such argument
    kImplied,  // the length of a path, which shows as text
    kFd,
    kPath,
    // Buffers; the next word is their size.
    kBytesIn,
    kBytesOut,
    kEntriesOut,
    kStatOut,
    kStatVfsOut,
    kMapIn,
    kTimesIn,
    // One TimeSpec.
    kTimeIn,
    kTimeOut,
    kRemainingOut,  // written by an interrupted call too
    // Numbers.
    kNumber,
    kOffset,  // signed, all ones for none
    kOctal,
    kAddress,
    kFlags,
    kOneOf,
    kOpenFlags,      // with the mode in the low half
    kTransferFlags,  // all ones for the stored ones
    kCallFlags,      // with a word count below
    kMetadata,       // words, counted by kCallFlags
    kRemapFlags,     // two sets in one word
    kFcntlArgument,  // what it is depends on the command before it
};

// Whether what stands behind the pointer is known only after the call.
constexpr bool is_output(ArgumentKind kind) {
    switch (kind) {
        case ArgumentKind::kBytesOut:
        case ArgumentKind::kEntriesOut:
        case ArgumentKind::kStatOut:
        case ArgumentKind::kStatVfsOut:
        case ArgumentKind::kTimeOut:
        case ArgumentKind::kRemainingOut:
            return true;
        default:
            return false;
    }
}

struct Argument {
    const char* name = "";
    ArgumentKind kind = ArgumentKind::kAbsent;
    abi::NameList names{nullptr, 0};  // for kFlags and kOneOf
};
using ArgumentList = std::array<Argument, 6>;

// What a successful result is.
enum class ResultKind : std::uint8_t { kNothing, kNumber, kFd, kAddress, kEvents, kFcntl };

// The file of handlers a call belongs to, which is also a class of the trace filter.
enum class Topic : std::uint8_t { kPath, kDescriptor, kTransfer, kMetadata, kMemory, kTime };

enum class Support : std::uint8_t { kFull, kPartial, kNone };

enum class DeviationClass : std::uint8_t { kSafer, kResurrected, kHost, kTiming };

namespace arg {

#define HALFCELL_ARGUMENT_MAKER(function, kind)          \
    constexpr Argument function(const char* name) {      \
        return {name, ArgumentKind::kind, {nullptr, 0}}; \
    }
HALFCELL_ARGUMENT_MAKER(fd, kFd)
HALFCELL_ARGUMENT_MAKER(path, kPath)
HALFCELL_ARGUMENT_MAKER(bytes_in, kBytesIn)
HALFCELL_ARGUMENT_MAKER(bytes_out, kBytesOut)
HALFCELL_ARGUMENT_MAKER(entries_out, kEntriesOut)
HALFCELL_ARGUMENT_MAKER(stat_out, kStatOut)
HALFCELL_ARGUMENT_MAKER(statvfs_out, kStatVfsOut)
HALFCELL_ARGUMENT_MAKER(map_in, kMapIn)
HALFCELL_ARGUMENT_MAKER(times_in, kTimesIn)
HALFCELL_ARGUMENT_MAKER(time_in, kTimeIn)
HALFCELL_ARGUMENT_MAKER(time_out, kTimeOut)
HALFCELL_ARGUMENT_MAKER(remaining_out, kRemainingOut)
HALFCELL_ARGUMENT_MAKER(number, kNumber)
HALFCELL_ARGUMENT_MAKER(size, kNumber)
HALFCELL_ARGUMENT_MAKER(offset, kOffset)
HALFCELL_ARGUMENT_MAKER(octal, kOctal)
HALFCELL_ARGUMENT_MAKER(address, kAddress)
HALFCELL_ARGUMENT_MAKER(open_flags, kOpenFlags)
HALFCELL_ARGUMENT_MAKER(transfer_flags, kTransferFlags)
HALFCELL_ARGUMENT_MAKER(call_flags, kCallFlags)
HALFCELL_ARGUMENT_MAKER(metadata, kMetadata)
HALFCELL_ARGUMENT_MAKER(remap_flags, kRemapFlags)
HALFCELL_ARGUMENT_MAKER(fcntl_argument, kFcntlArgument)
#undef HALFCELL_ARGUMENT_MAKER

constexpr Argument implied() {
    return {"", ArgumentKind::kImplied, {nullptr, 0}};
}
template <typename Set>
constexpr Argument flags(const char* name) {
    return {name, ArgumentKind::kFlags, abi::names_of<Set>()};
}
template <typename Group>
constexpr Argument one_of(const char* name) {
    return {name, ArgumentKind::kOneOf, abi::names_of<Group>()};
}

}  // namespace arg

}  // namespace halfcell::syscall
