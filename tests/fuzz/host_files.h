#pragma once

// The host's side of what targets do with descriptors: sending any number of them, and seeing that none is
// left.

#include <dirent.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstring>
#include <span>

#include "kernel_shim/base/check.h"

namespace halfcell::fuzz {

// How many descriptors this process has.
inline std::size_t files_open() {
    DIR* const directory = ::opendir("/proc/self/fd");
    HC_CHECK(directory != nullptr, "own files are listed");
    std::size_t count = 0;
    while (::readdir(directory) != nullptr)
        ++count;
    ::closedir(directory);
    return count;
}

// Sends a packet with up to eight files beside it, more than any side of a connection sends. False where it
// does not go; never waits.
inline bool send_with_files(int socket, std::span<const std::byte> bytes, std::span<const int> files) {
    iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(8 * sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (!files.empty()) {
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(files.size_bytes());
        cmsghdr* const rights = CMSG_FIRSTHDR(&message);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(files.size_bytes());
        std::memcpy(CMSG_DATA(rights), files.data(), files.size_bytes());
    }
    return ::sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

}  // namespace halfcell::fuzz
