#pragma once

// Packets on the sockets between supervisor and server, with descriptors beside them. Errnos are the host's.

#include <cstddef>
#include <span>
#include <vector>

#include "kernel_shim/host/unique_fd.h"

namespace halfcell::host_server {

// The most descriptors that come or go with one packet.
inline constexpr std::size_t kMostDescriptors = 4;

// Sends without waiting; the sender keeps its descriptors. 0 or an errno (EAGAIN: the receiver is behind).
int send_packet(int socket, std::span<const std::byte> bytes, std::span<const int> descriptors);

// Receives one packet of exactly this size, without waiting. 0 or an errno: EAGAIN (nothing there),
// ECONNRESET (the other side has gone), EPROTO (another size, or more descriptors than there may be; those
// that came are closed).
int receive_packet(int socket, std::span<std::byte> bytes, std::vector<host::UniqueFd>& descriptors);

// The same, but blocks until there is a packet, or nobody any more.
int await_packet(int socket, std::span<std::byte> bytes, std::vector<host::UniqueFd>& descriptors);

}  // namespace halfcell::host_server
