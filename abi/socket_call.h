#pragma once

// How programs and the schemes of sockets talk: the first metadata word of a SYS_CALL on a socket, and the
// numbers libc passes through. Source: relibc:redox-rt/src/protocol.rs SocketCall,
// relibc:src/header/sys_socket/constants.rs, base:ipcd/src/uds/mod.rs.

#include <cstdint>

namespace halfcell::abi {

enum class SocketCall : std::uint64_t {
    kBind = 0,
    kConnect = 1,
    kSetSockOpt = 2,
    kGetSockOpt = 3,
    kSendMsg = 4,
    kRecvMsg = 5,
    kUnbind = 6,
    kGetToken = 7,
    kGetPeerName = 8,
    kShutdown = 9,
};

// As <sys/socket.h> of relibc has them.
struct SocketConstant {
    static constexpr std::int32_t kAfUnix = 1;
    static constexpr std::int32_t kSolSocket = 1;
    static constexpr std::int32_t kSoSndbuf = 7;
    static constexpr std::int32_t kSoPasscred = 16;
    static constexpr std::int32_t kSoPeercred = 17;
    static constexpr std::int32_t kSoDomain = 39;
    static constexpr std::int32_t kScmRights = 1;
    static constexpr std::int32_t kScmCredentials = 2;
    static constexpr std::uint64_t kMsgDontwait = 64;
};

// The head of one piece of ancillary data in the payload of SendMsg and RecvMsg; `size` bytes follow it.
struct AncillaryHeader {
    std::int32_t level;
    std::int32_t type;
    std::uint64_t size;
};
static_assert(sizeof(AncillaryHeader) == 16);

// How a payload of RecvMsg begins: the room there is for each part.
struct ReceiveHeader {
    std::uint64_t name_size;
    std::uint64_t payload_size;
    std::uint64_t control_size;
};
static_assert(sizeof(ReceiveHeader) == 24);

}  // namespace halfcell::abi
