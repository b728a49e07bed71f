#include "schemes/manager/scheme_manager.h"

#include <array>
#include <cstring>
#include <utility>

#include "abi/data.h"
#include "abi/flags.h"
#include "kernel_shim/user_scheme/scheme_socket.h"

namespace halfcell::schemes {

using scheme::Caller;
using user_scheme::SchemeSocket;
using user_scheme::UserScheme;

namespace {

constexpr HandleNumber kCreationCapability{0};
constexpr std::string_view kCreateScheme = "create-scheme";

HandleNumber socket_of(SchemeId id) {
    return HandleNumber{id.value()};
}

}  // namespace

Result<scheme::OpenedHandle> SchemeManager::root() {
    return scheme::OpenedHandle{kCreationCapability};
}

Result<std::shared_ptr<UserScheme>> SchemeManager::find(HandleNumber number) const {
    if (number.value() > UINT32_MAX) return fail(Errno::kEBADF);
    const auto found = kernel_.schemes.find(SchemeId{static_cast<std::uint32_t>(number.value())});
    // Schemes that no guest serves have ids too, but no sockets.
    auto user = found ? std::dynamic_pointer_cast<UserScheme>(*found) : nullptr;
    if (user == nullptr) return fail(Errno::kEBADF);
    return user;
}

Result<scheme::OpenResult> SchemeManager::create(const Caller& caller, const mem::UserIn& name) {
    std::array<char, kCreateScheme.size()> verb{};
    if (name.size() < verb.size()) return fail(Errno::kEINVAL);
    TRY(name.read(0, std::as_writable_bytes(std::span(verb))));
    if (std::string_view(verb.data(), verb.size()) != kCreateScheme) return fail(Errno::kEINVAL);
    if (caller.uid != 0) return fail(Errno::kEACCES);
    std::weak_ptr<task::Context> server = TRY(kernel_.contexts.find(caller.context));
    auto scheme = std::make_shared<UserScheme>(kernel_.pool, std::move(server));
    const SchemeId number = TRY(kernel_.schemes.add(scheme));
    // Nobody can reach the scheme before the answer to this call.
    const scheme::EventSource socket{id(), socket_of(number)};
    scheme->channel().served_by({socket.scheme, socket.number});
    scheme->channel().on_request(
        [&events = kernel_.events, socket] { events.trigger(socket, abi::EventFlags::kEventRead); });
    return scheme::OpenedHandle{socket_of(number)};
}

Result<scheme::OpenResult> SchemeManager::dup(const Caller& caller, HandleNumber number,
                                              const mem::UserIn& name) {
    if (number == kCreationCapability) return create(caller, name);
    auto scheme = TRY(find(number));
    const auto params = TRY(name.read_exact<abi::NewFdParams>());
    if ((params.internal_flags & ~abi::NewFdFlags::kPositioned) != 0) return fail(Errno::kEINVAL);
    const SchemeId scheme_id = scheme->id();
    return scheme::DescriptionRef::create(
        {.scheme = std::move(scheme),
         .scheme_id = scheme_id,
         .number = HandleNumber{params.number},
         .offset = params.offset,
         .flags = static_cast<std::uint32_t>(params.flags),
         .positioned = (params.internal_flags & abi::NewFdFlags::kPositioned) != 0});
}

Result<std::uint64_t> SchemeManager::fpath(const Caller&, HandleNumber, const mem::UserOut& to) {
    return to.write_common("/scheme");
}

Result<std::uint64_t> SchemeManager::read_at(const Caller& caller, HandleNumber number,
                                             const mem::UserOut& to, std::uint64_t,
                                             scheme::TransferFlags flags) {
    const auto scheme = TRY(find(number));
    return SchemeSocket(*scheme, kernel_.contexts).read(caller, to, flags.call);
}

Result<std::uint64_t> SchemeManager::read_late(const Caller& caller, HandleNumber number,
                                               const mem::UserOut& to, std::uint64_t,
                                               scheme::TransferFlags flags, scheme::LateOffer& offer) {
    const auto scheme = TRY(find(number));
    return SchemeSocket(*scheme, kernel_.contexts).read_late(caller, to, flags.call, offer);
}

Result<std::uint64_t> SchemeManager::write(const Caller& caller, HandleNumber number, const mem::UserIn& from,
                                           scheme::TransferFlags) {
    const auto scheme = TRY(find(number));
    return SchemeSocket(*scheme, kernel_.contexts).write(caller, from);
}

Result<std::uint64_t> SchemeManager::fevent(const Caller&, HandleNumber number, std::uint64_t flags) {
    const auto scheme = TRY(find(number));
    return scheme->channel().readable() ? flags & abi::EventFlags::kEventRead : 0;
}

Result<void> SchemeManager::fsync(const Caller&, HandleNumber number) {
    TRY(find(number));
    return {};
}

Result<std::uint64_t> SchemeManager::fd_write(const Caller&, HandleNumber number,
                                              std::vector<scheme::DescriptionRef>&& descriptions,
                                              std::uint64_t, std::uint64_t,
                                              std::span<const std::uint64_t> metadata) {
    const auto scheme = TRY(find(number));
    return SchemeSocket(*scheme, kernel_.contexts).move(std::move(descriptions), metadata);
}

Result<std::vector<scheme::DescriptionRef>> SchemeManager::fd_read(const Caller&, HandleNumber number,
                                                                   std::uint64_t room, std::uint64_t,
                                                                   std::span<const std::uint64_t> metadata) {
    const auto scheme = TRY(find(number));
    return SchemeSocket(*scheme, kernel_.contexts).obtain(room, metadata);
}

void SchemeManager::fd_unread(HandleNumber number, std::vector<scheme::DescriptionRef> descriptions,
                              std::span<const std::uint64_t> metadata) {
    if (const auto scheme = find(number))
        SchemeSocket(**scheme, kernel_.contexts).put_back(std::move(descriptions), metadata);
}

Result<void> SchemeManager::close(HandleNumber number) {
    if (const auto scheme = find(number)) kernel_.schemes.remove((*scheme)->id());
    return {};
}

}  // namespace halfcell::schemes
