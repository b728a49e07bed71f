#pragma once

// What probes open all the time. Each fails the probe where it does not come to be.

#include "userland/conform/surroundings.h"
#include "userland/rt/output.h"
#include "userland/rt/process.h"

namespace halfcell::userland::conform {

struct PipeEnds {
    uint64_t reader;
    uint64_t writer;
};

// Flags are of both ends.
inline PipeEnds open_pipe(uint64_t flags = Open::kRdwr) {
    const uint64_t reader = OK(open_kernel(abi::GlobalSchemes::kPipe, "", flags));
    return {reader, OK(dup(reader, "write"))};
}

// A file of the sys scheme: it can be read, has a size, and is positioned.
inline uint64_t open_sys(std::string_view name, uint64_t flags = Open::kRdonly) {
    return OK(open_kernel(abi::GlobalSchemes::kSys, name, flags));
}

// The answer of an open, but skips the probe where the system has no such scheme: not every kernel does, and
// not every namespace.
inline uint64_t where_served(std::string_view scheme, uint64_t answer) {
    if (abi::demux_errno(answer) == static_cast<int>(Errno::kENODEV))
        skip(concat("there is no scheme ", scheme));
    return answer;
}
// By its name, which may be followed by a path.
inline uint64_t open_scheme(std::string_view path, uint64_t flags) {
    return where_served(path.substr(0, path.find('/')),
                        openat(word(process().name_space), concat("/scheme/", path), flags));
}

// What every sys:uname begins with.
inline constexpr std::string_view kUname = "Redox";

// Whether a descriptor number is in use: F_GETFD looks at nothing but the table.
inline bool is_open(uint64_t fd) {
    return abi::demux_errno(fcntl(fd, Fcntl::kGetfd)) == 0;
}

}  // namespace halfcell::userland::conform
