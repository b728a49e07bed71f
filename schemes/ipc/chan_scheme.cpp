#include "schemes/ipc/chan_scheme.h"

#include <utility>

#include "kernel_shim/base/utf8.h"

namespace halfcell::ipc {

using abi::EventFlags;
using abi::OpenFlags;
using scheme::Caller;
using scheme::OpenedHandle;
using scheme::OpenResult;
using State = StreamSocket::State;

namespace {

constexpr StreamRules kRules{.read_listener = Errno::kEBADF,
                             .write_unconnected = Errno::kEBADF,
                             .early_writes = StreamRules::EarlyWrites::kWait,
                             .accepted_events = EventFlags::kEventWrite};

// Every handle of the scheme is a socket it made itself.
StreamRef stream(const std::shared_ptr<Socket>& socket) {
    return std::static_pointer_cast<StreamSocket>(socket);
}

Patience patience_of(const Caller& caller, const Socket& socket, std::uint64_t flags = 0) {
    return {socket.flags.nonblocking(flags), caller.waiter};
}

}  // namespace

ChanScheme::ChanScheme(std::shared_ptr<MemoryBudget> memory)
    : memory_(std::move(memory)), network_(kRules, hub_) {}

StreamRef ChanScheme::add_socket(std::uint64_t flags) {
    StreamRef added;
    handles_.add_numbered(
        [&](HandleNumber number) { return added = std::make_shared<StreamSocket>(number, flags, memory_); });
    return added;
}

Result<OpenResult> ChanScheme::open(const Caller&, std::string_view path, std::uint64_t flags) {
    if ((flags & OpenFlags::kCreat) != 0) {
        const StreamRef fresh = add_socket(flags);
        fresh->state = State::kListening;
        const bool taken = !path.empty() && !claim_name(path, fresh);
        if (!taken) return OpenedHandle{.number = fresh->number};
        (void)handles_.remove(fresh->number);
        if ((flags & OpenFlags::kExcl) != 0) return fail(Errno::kEEXIST);
    }
    const StreamRef listener = listeners_.with([&](const auto& listeners) {
        const auto it = listeners.find(path);
        return it == listeners.end() ? nullptr : it->second.lock();
    });
    if (listener == nullptr) return fail(Errno::kENOENT);
    return connect(listener, flags);
}

bool ChanScheme::claim_name(std::string_view path, const StreamRef& listener) {
    listener->path = std::string(path);
    return listeners_.with(
        [&](auto& listeners) { return listeners.try_emplace(*listener->path, listener).second; });
}

Result<OpenResult> ChanScheme::connect(const StreamRef& listener, std::uint64_t flags) {
    const StreamRef fresh = add_socket(flags);
    return keep_if(network_.queue_client(fresh, listener), fresh->number);
}

Result<OpenResult> ChanScheme::accept(const StreamRef& listener, const Patience& patience) {
    const StreamRef fresh = add_socket(listener->flags.get());
    Result<void> accepted = network_.accept(listener, fresh, patience);
    // Alone among all that would wait, as upstream.
    if (!accepted && accepted.error() == Errno::kEAGAIN) accepted = fail(Errno::kEWOULDBLOCK);
    return keep_if(std::move(accepted), fresh->number);
}

Result<OpenResult> ChanScheme::dup(const Caller& caller, HandleNumber number, const mem::UserIn& name) {
    const SocketRef socket = TRY(handles_.find(number));
    const std::string wanted = TRY(dup_name(name));
    const auto [state, path] = look_at(*stream(socket));
    if (wanted == "listen" || wanted == "connect") {
        if (state != State::kListening) return fail(Errno::kEBADF);
        if (wanted == "listen") return accept(stream(socket), patience_of(caller, *socket));
        // Not with the listener's flags, as upstream.
        return connect(stream(socket), 0);
    }
    const bool accepted_at_name = state != State::kListening && path;
    if (wanted.empty() || !is_utf8(wanted) || accepted_at_name) return fail(Errno::kEBADF);
    return open(caller, wanted, socket->flags.get());
}

ChanScheme::Look ChanScheme::look_at(const StreamSocket& socket) {
    SocketLock lock(hub_);
    return {socket.state, socket.path};
}

Result<std::uint64_t> ChanScheme::read(const Caller& caller, HandleNumber number, const mem::UserOut& to,
                                       scheme::TransferFlags flags) {
    const SocketRef socket = TRY(handles_.find(number));
    return network_.read(*stream(socket), to, patience_of(caller, *socket, flags.call));
}

Result<std::uint64_t> ChanScheme::write(const Caller& caller, HandleNumber number, const mem::UserIn& from,
                                        scheme::TransferFlags flags) {
    const SocketRef socket = TRY(handles_.find(number));
    return network_.write(*stream(socket), from, {}, patience_of(caller, *socket, flags.call));
}

Result<std::uint64_t> ChanScheme::fevent(const Caller&, HandleNumber number, std::uint64_t) {
    return network_.ready(*stream(TRY(handles_.find(number))));
}

Result<std::uint64_t> ChanScheme::fpath(const Caller&, HandleNumber number, const mem::UserOut& to) {
    if (number == kRoot) return to.write_common("chan:");
    const auto [state, path] = look_at(*stream(TRY(handles_.find(number))));
    if (state == State::kListening || !path) return fail(Errno::kEBADF);
    return to.write_common("chan:" + *path);
}

void ChanScheme::closed(HandleNumber, const SocketRef& socket) {
    const auto [state, path] = look_at(*stream(socket));
    network_.close(*stream(socket));
    if (state != State::kListening || !path) return;
    listeners_.with([&](auto& listeners) { listeners.erase(*path); });
}

}  // namespace halfcell::ipc
