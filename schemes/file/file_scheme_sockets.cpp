#include <array>

#include "abi/flags.h"
#include "abi/socket_call.h"
#include "kernel_shim/scheme/redox_path.h"
#include "schemes/file/file_scheme.h"
#include "schemes/file/walk.h"

// Sockets with a name in the tree. Source: redoxfs:src/mount/redox/scheme.rs on_sendfd, call.

namespace halfcell::file {

using scheme::Caller;

namespace {

constexpr std::size_t kLongestPath = 4096;

// The last part of the path a socket says it is bound to. EINVAL for what is no socket, or has no such path.
Result<std::string> name_of_socket(const Caller& caller, const scheme::DescriptionRef& socket) {
    scheme::Scheme& scheme = *TRY(socket->scheme());
    abi::Stat status{};
    TRY(scheme.fstat(caller, socket->number(),
                     mem::UserOut::local(std::as_writable_bytes(std::span(&status, 1)))));
    if ((status.st_mode & abi::Mode::kType) != abi::Mode::kSock) return fail(Errno::kEINVAL);
    std::string path(kLongestPath, '\0');
    const auto room = mem::UserOut::local(std::as_writable_bytes(std::span(path)));
    path.resize(TRY(scheme.fpath(caller, socket->number(), room)));
    const scheme::RedoxPath parts = TRY(scheme::parse_redox_path(path));
    std::string name(scheme::split_reference(parts.reference).name);
    if (name.empty()) return fail(Errno::kEINVAL);
    return name;
}

}  // namespace

Result<std::uint64_t> FileScheme::fd_write(const Caller& caller, HandleNumber number,
                                           std::vector<scheme::DescriptionRef>&& descriptions, std::uint64_t,
                                           std::uint64_t, std::span<const std::uint64_t>) {
    const HandleRef directory = TRY(handles_.find(number));
    if (!directory->is_directory()) return fail(Errno::kENOTDIR);
    if (descriptions.size() != 1) return fail(Errno::kEINVAL);
    const std::string name = TRY(name_of_socket(caller, descriptions.front()));
    std::string path = scheme::resolve_reference(directory->current_path(), name);
    const Identity who{caller.uid, caller.gid};
    NodeRef node =
        TRY(walk<NodeRef>(path, [&](const Mount& mount, std::string_view inside) -> Result<Reached<NodeRef>> {
            if (mounts_.holds_mount(path)) return fail(Errno::kEEXIST);
            return mount.volume->make_socket(inside, who);
        }));
    TRY(sockets_.add(std::move(node), descriptions.front()));
    return 0;
}

Result<std::uint64_t> FileScheme::call(const Caller& caller, HandleNumber number,
                                       const mem::UserInOut& payload, std::uint64_t flags,
                                       std::span<const std::uint64_t> metadata) {
    const HandleRef handle = TRY(handles_.find(number));
    if (metadata.empty() || metadata[0] != static_cast<std::uint64_t>(abi::FsCall::kConnect))
        return fail(Errno::kEINVAL);
    if (handle->node->kind() != NodeKind::kSocket) return fail(Errno::kEBADF);
    const FileKey key = TRY(handle->node->key());
    const scheme::DescriptionRef socket = TRY(sockets_.find(key));
    constexpr std::array kWords{static_cast<std::uint64_t>(abi::SocketCall::kGetToken)};
    return TRY(socket->scheme())->call(caller, socket->number(), payload, flags, kWords);
}

}  // namespace halfcell::file
