#pragma once

// Packets over a Unix socket, and the files that come with them.

#include <cerrno>
#include <cstddef>
#include <span>
#include <vector>

#include "schemes/server/descriptor.h"
#include "schemes/server/host_protocol.h"
#include "userland/rt/result.h"

namespace halfcell::server {

// Makes a call, which returns -1 and sets errno where it fails, until no signal interrupts it.
template <typename Call>
auto uninterrupted(Call call) {
    for (;;) {
        const auto result = call();
        if (result != -1 || errno != EINTR) return result;
    }
}

// One packet of exactly this size, if it is there, with as many files as there are regions at most. They are
// the caller's to close, whatever else is wrong. EAGAIN (nothing has come), ENODEV (nobody is there any
// more), EPROTO (it is something else). Does not wait.
userland::Result<void> receive_packet(int socket, std::span<std::byte> bytes, std::vector<Descriptor>& files);

// Sends one, with a file unless that is -1, which stays the caller's. `flags` of sendmsg; waits for room
// without MSG_DONTWAIT. False where it fails, and errno says why.
bool send_packet(int socket, const Packet& packet, int flags, int file = -1);

}  // namespace halfcell::server
