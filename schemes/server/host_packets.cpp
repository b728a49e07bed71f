#include "schemes/server/host_packets.h"

#include <sys/socket.h>

#include <cstring>

namespace halfcell::server {

using abi::Errno;
using userland::Result;

namespace {

// Whoever connects to a listening server may send any number of descriptors; Linux lets in as many as have
// room, and CMSG_SPACE has room for one more than it was asked for.
constexpr std::size_t kRoomForRegions = CMSG_LEN(kRegions * sizeof(int));

void take_files(msghdr& message, std::vector<Descriptor>& files) {
    const cmsghdr* const rights = CMSG_FIRSTHDR(&message);
    if (rights == nullptr) return;
    for (std::size_t at = CMSG_LEN(0); at + sizeof(int) <= rights->cmsg_len; at += sizeof(int)) {
        int number = -1;
        std::memcpy(&number, reinterpret_cast<const char*>(rights) + at, sizeof number);
        files.emplace_back(static_cast<std::uint64_t>(number));
    }
}

}  // namespace

Result<void> receive_packet(int socket, std::span<std::byte> bytes, std::vector<Descriptor>& files) {
    iovec part{bytes.data(), bytes.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(kRegions * sizeof(int))];
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = kRoomForRegions;
    const ssize_t got =
        uninterrupted([&] { return ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT); });
    if (got < 0) return errno == EAGAIN ? Errno::kEAGAIN : Errno::kENODEV;
    take_files(message, files);
    if (got == 0) return Errno::kENODEV;
    const bool whole =
        static_cast<std::size_t>(got) == bytes.size() && (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0;
    if (!whole) return Errno::kEPROTO;
    return {};
}

bool send_packet(int socket, const Packet& packet, int flags, int file) {
    iovec part{const_cast<Packet*>(&packet), sizeof packet};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof file)] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (file >= 0) {
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        cmsghdr* const rights = CMSG_FIRSTHDR(&message);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof file);
        std::memcpy(CMSG_DATA(rights), &file, sizeof file);
    }
    return uninterrupted([&] { return ::sendmsg(socket, &message, MSG_NOSIGNAL | flags); }) >= 0;
}

}  // namespace halfcell::server
