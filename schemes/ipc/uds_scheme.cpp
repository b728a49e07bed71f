#include "schemes/ipc/uds_scheme.h"

#include <algorithm>

#include "kernel_shim/base/utf8.h"
#include "schemes/common/wire.h"

namespace halfcell::ipc {

using abi::SocketCall;
using abi::SocketConstant;
using scheme::Caller;
using scheme::OpenedHandle;
using scheme::OpenResult;

namespace {

constexpr std::uint64_t kLongestPath = 4096;
// Of a whole SendMsg: the longest packet, and room for what comes along.
constexpr std::uint64_t kLongestMessage = PacketQueue::kLongestPacket + 65536;

}  // namespace

Result<OpenResult> UdsScheme::open(const Caller& caller, std::string_view path, std::uint64_t flags) {
    if (!path.empty() || (flags & abi::OpenFlags::kCreat) == 0) return fail(Errno::kEINVAL);
    return OpenedHandle{.number = handles_.add_numbered(
                            [&](HandleNumber number) { return make_socket(caller, number, flags); })};
}

Result<std::uint64_t> UdsScheme::read(const Caller& caller, HandleNumber number, const mem::UserOut& to,
                                      scheme::TransferFlags flags) {
    const SocketRef socket = TRY(handles_.find(number));
    return receive_bytes(*socket, to, patience(caller, *socket, flags.call));
}

Result<std::uint64_t> UdsScheme::write(const Caller& caller, HandleNumber number, const mem::UserIn& from,
                                       scheme::TransferFlags flags) {
    const SocketRef socket = TRY(handles_.find(number));
    const Credentials sender{.pid = static_cast<std::int32_t>(caller.pid),
                             .uid = static_cast<std::int32_t>(caller.uid),
                             .gid = static_cast<std::int32_t>(caller.gid)};
    return send_bytes(*socket, from, sender, patience(caller, *socket, flags.call));
}

Result<std::uint64_t> UdsScheme::fevent(const Caller&, HandleNumber number, std::uint64_t flags) {
    return ready(*TRY(handles_.find(number))) & flags;
}

std::string UdsScheme::path_text(const Socket& socket) {
    SocketLock lock(hub_);
    return "/scheme/" + name_ + "/" + socket.path.value_or("");
}

Result<std::uint64_t> UdsScheme::fpath(const Caller&, HandleNumber number, const mem::UserOut& to) {
    if (number == kRoot) return to.write_common("/scheme/" + name_ + "/");
    return to.write_common(path_text(*TRY(handles_.find(number))));
}

Result<void> UdsScheme::fstat(const Caller&, HandleNumber number, const mem::UserOut& to) {
    TRY(handles_.find(number));
    return schemes::reply_stat(to, abi::Mode::kSock);
}

Result<std::uint64_t> UdsScheme::call(const Caller& caller, HandleNumber number,
                                      const mem::UserInOut& payload, std::uint64_t,
                                      std::span<const std::uint64_t> metadata) {
    if (metadata.empty()) return fail(Errno::kEINVAL);
    const SocketRef socket = TRY(handles_.find(number));
    const auto argument = [&]() -> Result<std::int32_t> {
        if (metadata.size() < 2) return fail(Errno::kEINVAL);
        return static_cast<std::int32_t>(metadata[1]);
    };
    const auto message_patience = [&] {
        const std::uint64_t flags = metadata.size() < 2 ? 0 : metadata[1];
        const bool impatient = (flags & SocketConstant::kMsgDontwait) != 0;
        return patience(caller, *socket, impatient ? abi::OpenFlags::kNonblock : 0);
    };
    switch (static_cast<SocketCall>(metadata[0])) {
        case SocketCall::kBind:
            return bind(socket, payload.in());
        case SocketCall::kConnect: {
            const auto wanted = TRY(payload.in().read_exact<std::uint64_t>());
            const SocketRef target = TRY(names_.find(wanted));
            return connect(socket, target, patience(caller, *socket));
        }
        case SocketCall::kSetSockOpt:
            return set_option_call(*socket, TRY(argument()), payload.in());
        case SocketCall::kGetSockOpt:
            return option_call(*socket, TRY(argument()), payload.out());
        case SocketCall::kSendMsg:
            return send_message(caller, *socket, payload.in(), message_patience());
        case SocketCall::kRecvMsg:
            return receive_message(*socket, payload, message_patience());
        case SocketCall::kUnbind:
            return unbind(*socket);
        case SocketCall::kGetToken:
            return token(*socket, payload.out());
        case SocketCall::kGetPeerName:
            return payload.out().write_common(path_text(*TRY(peer(*socket))));
        case SocketCall::kShutdown:
            return fail(Errno::kEOPNOTSUPP);
    }
    return fail(Errno::kEINVAL);
}

Result<std::uint64_t> UdsScheme::bind(const SocketRef& socket, const mem::UserIn& path) {
    if (path.size() > kLongestPath) return fail(Errno::kEINVAL);
    const std::string text = TRY(path.read_string(kLongestPath));
    if (text.empty() || !is_utf8(text)) return fail(Errno::kEINVAL);
    const std::uint64_t token = TRY(names_.bind(text, socket));
    const Result<void> bound = [&]() -> Result<void> {
        SocketLock lock(hub_);
        TRY(change_to_bound(*socket));
        socket->path = text;
        socket->token = token;
        return {};
    }();
    if (bound) return 0;
    names_.unbind(text, token);
    return fail(bound.error());
}

Result<std::uint64_t> UdsScheme::unbind(Socket& socket) {
    std::optional<std::string> path;
    std::optional<std::uint64_t> token;
    {
        SocketLock lock(hub_);
        if (!socket.token) return fail(Errno::kEINVAL);
        TRY(change_to_unbound(socket));
        path = std::exchange(socket.path, {});
        token = std::exchange(socket.token, {});
    }
    names_.unbind(*path, *token);
    return 0;
}

void UdsScheme::forget_name(const Socket& socket) {
    std::optional<std::string> path;
    std::optional<std::uint64_t> token;
    {
        SocketLock lock(hub_);
        path = socket.path;
        token = socket.token;
    }
    if (path && token) names_.unbind(*path, *token);
}

Result<std::uint64_t> UdsScheme::token(Socket& socket, const mem::UserOut& to) {
    std::optional<std::uint64_t> token;
    {
        SocketLock lock(hub_);
        token = socket.token;
    }
    if (!token) return fail(Errno::kEINVAL);
    if (to.size() < sizeof *token) return fail(Errno::kENOBUFS);
    TRY(to.write_exact(*token));
    return sizeof *token;
}

Result<void> UdsScheme::set_option(Socket&, std::int32_t) {
    return fail(Errno::kENOPROTOOPT);
}

Result<std::uint64_t> UdsScheme::set_option_call(Socket& socket, std::int32_t option,
                                                 const mem::UserIn& value) {
    if (option != SocketConstant::kSoPasscred) {
        TRY(set_option(socket, option));
        return 0;
    }
    const bool on = TRY(value.read_exact<std::int32_t>()) != 0;
    SocketLock lock(hub_);
    socket.passes_credentials = on;
    return value.size();
}

Result<std::vector<std::int32_t>> UdsScheme::option(Socket&, std::int32_t option) {
    if (option != SocketConstant::kSoDomain) return fail(Errno::kENOPROTOOPT);
    return std::vector<std::int32_t>{SocketConstant::kAfUnix};
}

Result<std::uint64_t> UdsScheme::option_call(Socket& socket, std::int32_t which, const mem::UserOut& to) {
    const std::vector<std::int32_t> value = TRY(option(socket, which));
    const auto bytes = std::as_bytes(std::span(value));
    if (to.size() < bytes.size()) return fail(Errno::kENOBUFS);
    TRY(to.write(0, bytes));
    return bytes.size();
}

Result<std::uint64_t> UdsScheme::send_message(const Caller& caller, Socket& socket, const mem::UserIn& from,
                                              const Patience& patience) {
    if (from.empty()) return fail(Errno::kEINVAL);
    if (from.size() > kLongestMessage) return fail(Errno::kEMSGSIZE);
    std::vector<std::byte> bytes(from.size());
    TRY(from.read(0, bytes));
    const Credentials sender = TRY(real_credentials_(caller));
    return send(socket, TRY(parse_message(bytes, sender)), patience);
}

Result<std::uint64_t> UdsScheme::receive_message(Socket& socket, const mem::UserInOut& payload,
                                                 const Patience& patience) {
    const auto header = TRY(payload.in().read_exact<abi::ReceiveHeader>());
    const MessageLimits limits{
        .room = payload.size(), .name_size = header.name_size, .most = header.payload_size};
    // What the buffer has no place for stays queued.
    const std::uint64_t most = std::min(limits.most, limits.room - 2 * sizeof(std::uint64_t));
    return receive(
        socket, most,
        [&](const Received& received, bool passes_credentials,
            bool& descriptors_told) -> Result<std::uint64_t> {
            const Message message = build_message(received, name_, limits, passes_credentials);
            descriptors_told = message.descriptors_told;
            TRY(payload.out().write(0, message.bytes));
            return message.bytes.size();
        },
        patience);
}

Result<std::uint64_t> UdsScheme::fd_write(const Caller&, HandleNumber number,
                                          std::vector<scheme::DescriptionRef>&& descriptions, std::uint64_t,
                                          std::uint64_t, std::span<const std::uint64_t>) {
    return send_descriptors(*TRY(handles_.find(number)), descriptions);
}

Result<std::vector<scheme::DescriptionRef>> UdsScheme::fd_read(const Caller& caller, HandleNumber number,
                                                               std::uint64_t room, std::uint64_t,
                                                               std::span<const std::uint64_t>) {
    const SocketRef socket = TRY(handles_.find(number));
    if (room % sizeof(std::uint64_t) != 0) return fail(Errno::kEINVAL);
    if (room == 0) return std::vector<scheme::DescriptionRef>{};
    return receive_descriptors(*socket, room / sizeof(std::uint64_t), patience(caller, *socket));
}

void UdsScheme::fd_unread(HandleNumber number, std::vector<scheme::DescriptionRef> descriptions,
                          std::span<const std::uint64_t>) {
    // A socket that went meanwhile drops them.
    if (const auto socket = handles_.find(number)) return_descriptors(**socket, std::move(descriptions));
}

Result<OpenResult> UdsScheme::receive_one(Socket& socket, wait::Waiter& waiter) {
    const Patience patience{.nonblocking = false, .waiter = waiter};
    auto descriptions = TRY(receive_descriptors(socket, 1, patience));
    // Upstream waits for ever where nobody is left to send one (safer).
    if (descriptions.empty()) return fail(Errno::kEPIPE);
    return std::move(descriptions.front());
}

}  // namespace halfcell::ipc
