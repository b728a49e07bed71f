#include "schemes/host_server/packets.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "kernel_shim/host/sys.h"

namespace halfcell::host_server {

namespace {

struct Control {
    alignas(cmsghdr) char bytes[CMSG_SPACE(kMostDescriptors * sizeof(int))];
};

void take_descriptors(msghdr& message, std::vector<host::UniqueFd>& descriptors) {
    for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
        const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int file = -1;
            std::memcpy(&file, CMSG_DATA(part) + i * sizeof file, sizeof file);
            descriptors.emplace_back(file);
        }
    }
}

}  // namespace

int send_packet(int socket, std::span<const std::byte> bytes, std::span<const int> descriptors) {
    iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
    Control control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (!descriptors.empty()) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
        cmsghdr* const rights = CMSG_FIRSTHDR(&message);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(descriptors.size_bytes());
        std::memcpy(CMSG_DATA(rights), descriptors.data(), descriptors.size_bytes());
    }
    const ssize_t sent =
        host::retry_interrupted([&] { return ::sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL); });
    return sent < 0 ? errno : 0;
}

int receive_packet(int socket, std::span<std::byte> bytes, std::vector<host::UniqueFd>& descriptors) {
    iovec part{bytes.data(), bytes.size()};
    Control control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    const ssize_t got =
        host::retry_interrupted([&] { return ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC); });
    if (got < 0) return errno;
    const std::size_t before = descriptors.size();
    take_descriptors(message, descriptors);
    if (got == 0) return ECONNRESET;
    const bool whole =
        static_cast<std::size_t>(got) == bytes.size() && (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0;
    if (whole) return 0;
    descriptors.resize(before);
    return EPROTO;
}

int await_packet(int socket, std::span<std::byte> bytes, std::vector<host::UniqueFd>& descriptors) {
    for (;;) {
        const int error = receive_packet(socket, bytes, descriptors);
        if (error != EAGAIN) return error;
        (void)host::poll_one(socket, POLLIN, std::nullopt);
    }
}

}  // namespace halfcell::host_server
