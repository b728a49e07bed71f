#pragma once

// The payloads of SendMsg and RecvMsg: how libc packs a msghdr into the bytes of one call.
// Source: base:ipcd/src/uds/mod.rs DataPacket::from_stream, MsgWriter; relibc:src/platform/redox/socket.rs.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "abi/socket_call.h"
#include "kernel_shim/base/result.h"
#include "schemes/ipc/packet_queue.h"

namespace halfcell::ipc {

// What SendMsg carries: [usize n][n bytes]{header, data}…, with SCM_RIGHTS (data: how many descriptors were
// handed over before) and SCM_CREDENTIALS (no data). EINVAL where something is shorter than it says;
// EOPNOTSUPP for any other ancillary data. A rest that is no whole header is ignored. `sender` and no name.
Result<Packet> parse_message(std::span<const std::byte> bytes, const Credentials& sender);

struct MessageLimits {
    std::uint64_t room;       // bytes of the caller's buffer
    std::uint64_t name_size;  // at most so many of them are a name
    std::uint64_t most;       // at most so many are payload
};

// What RecvMsg gives: [usize name][path][usize payload][bytes]{header, data}…, built in memory. Where nothing
// will ever come both lengths are 0.
struct Message {
    std::vector<std::byte> bytes;
    // False where the descriptors did not fit in, so that the receiver cannot know of them.
    bool descriptors_told = true;
};

// `scheme` names the sender as its fpath does. The payload's size is said in full, and the first limits.most
// bytes follow. Ancillary data that does not fit leaves 0x01 in the rest of the room, for
// libc to find it cut short. `limits.room` holds at least a ReceiveHeader.
Message build_message(const Received& received, std::string_view scheme, const MessageLimits& limits,
                      bool passes_credentials);

}  // namespace halfcell::ipc
