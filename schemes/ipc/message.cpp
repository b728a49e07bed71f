#include "schemes/ipc/message.h"

#include <algorithm>
#include <cstring>

namespace halfcell::ipc {

namespace {

constexpr std::size_t kWord = sizeof(std::uint64_t);

// Takes a T off the front; EINVAL where there are fewer bytes.
template <typename T>
Result<T> take(std::span<const std::byte>& bytes) {
    if (bytes.size() < sizeof(T)) return fail(Errno::kEINVAL);
    T value;
    std::memcpy(&value, bytes.data(), sizeof value);
    bytes = bytes.subspan(sizeof value);
    return value;
}

Result<std::span<const std::byte>> take_bytes(std::span<const std::byte>& bytes, std::uint64_t count) {
    if (bytes.size() < count) return fail(Errno::kEINVAL);
    const auto taken = bytes.first(count);
    bytes = bytes.subspan(count);
    return taken;
}

template <typename T>
std::span<const std::byte> bytes_of(const T& value) {
    return std::as_bytes(std::span(&value, 1));
}

void append(std::vector<std::byte>& to, std::span<const std::byte> bytes) {
    to.insert(to.end(), bytes.begin(), bytes.end());
}

// False where it does not fit: the rest of the room is then filled.
bool append_ancillary(std::vector<std::byte>& to, std::uint64_t room, std::int32_t type,
                      std::span<const std::byte> data) {
    const abi::AncillaryHeader header{abi::SocketConstant::kSolSocket, type, data.size()};
    if (room - to.size() < sizeof header + data.size()) {
        to.resize(room, std::byte{1});
        return false;
    }
    append(to, bytes_of(header));
    append(to, data);
    return true;
}

}  // namespace

Result<Packet> parse_message(std::span<const std::byte> bytes, const Credentials& sender) {
    const auto size = TRY(take<std::uint64_t>(bytes));
    const auto payload = TRY(take_bytes(bytes, size));
    Packet packet{.payload = {payload.begin(), payload.end()}, .sender = sender, .name = {}};
    while (bytes.size() >= sizeof(abi::AncillaryHeader)) {
        const auto header = TRY(take<abi::AncillaryHeader>(bytes));
        auto data = TRY(take_bytes(bytes, header.size));
        if (header.level != abi::SocketConstant::kSolSocket) return fail(Errno::kEOPNOTSUPP);
        if (header.type == abi::SocketConstant::kScmRights) {
            const auto count = TRY(take<std::uint64_t>(data));
            if (__builtin_add_overflow(packet.descriptors, count, &packet.descriptors))
                return fail(Errno::kEINVAL);
        } else if (header.type != abi::SocketConstant::kScmCredentials) {
            return fail(Errno::kEOPNOTSUPP);
        }
    }
    return packet;
}

Message build_message(const Received& received, std::string_view scheme, const MessageLimits& limits,
                      bool passes_credentials) {
    Message message;
    std::vector<std::byte>& bytes = message.bytes;
    std::string name;
    if (received.name) name.append("/scheme/").append(scheme).append("/").append(*received.name);
    // The name leaves room for the two lengths.
    name.resize(std::min<std::uint64_t>({name.size(), limits.name_size, limits.room - 2 * kWord}));
    append(bytes, bytes_of(std::uint64_t{name.size()}));
    append(bytes, std::as_bytes(std::span(name)));

    append(bytes, bytes_of(received.size));
    std::uint64_t left = std::min(limits.most, limits.room - bytes.size());
    for (const auto& piece : received.bytes) {
        const std::uint64_t count = std::min<std::uint64_t>(left, piece.size());
        append(bytes, piece.first(count));
        left -= count;
    }

    if (received.descriptors != 0)
        message.descriptors_told = append_ancillary(bytes, limits.room, abi::SocketConstant::kScmRights,
                                                    bytes_of(received.descriptors));
    if (!passes_credentials) return message;
    for (const Credentials& sender : received.senders)
        if (!append_ancillary(bytes, limits.room, abi::SocketConstant::kScmCredentials, bytes_of(sender)))
            break;
    return message;
}

}  // namespace halfcell::ipc
