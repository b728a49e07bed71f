#pragma once

// The server's end of a user scheme: what reads, writes and calls on its socket do.
// Source: kernel:src/scheme/user.rs UserInner::read, write, handle_parsed; kernel:src/scheme/mod.rs.

#include <cstdint>
#include <span>
#include <vector>

#include "abi/scheme_msg.h"
#include "kernel_shim/task/context_table.h"
#include "kernel_shim/user_scheme/user_scheme.h"

namespace halfcell::user_scheme {

// A view of one scheme for the time of one call on its socket; `contexts` leads to the server's descriptors.
class SchemeSocket {
  public:
    SchemeSocket(UserScheme& scheme, const task::ContextTable& contexts)
        : scheme_(scheme), contexts_(contexts) {}

    // Requests. As RecordQueue::receive; sleeps on the server's waiter unless O_NONBLOCK is in `flags`.
    Result<std::uint64_t> read(const scheme::Caller& server, const mem::UserOut& to, std::uint32_t flags);
    // The same for a server who may be answered late.
    Result<std::uint64_t> read_late(const scheme::Caller& server, const mem::UserOut& to, std::uint32_t flags,
                                    scheme::LateOffer& offer);

    // Completions, in units of 16 bytes; returns the bytes of those before the first that failed, or its
    // error where it is the first of all. EFAULT at once where one cannot be read. Does not sleep.
    // EINVAL (unknown opcode, bad flags, descriptor or tag), EBADFD (no such tag), ENOENT, EMFILE.
    Result<std::uint64_t> write(const scheme::Caller& server, const mem::UserIn& from);

    // SchemeSocketCall::ObtainFd: hands out the descriptions sent with the request that metadata names, if
    // their numbers fill `room` bytes exactly. EINVAL, ENOENT; then they stay where they are, which upstream
    // loses.
    Result<std::vector<scheme::DescriptionRef>> obtain(std::uint64_t room,
                                                       std::span<const std::uint64_t> metadata);
    // What was obtained and could not be placed goes back to the request.
    void put_back(std::vector<scheme::DescriptionRef> descriptions, std::span<const std::uint64_t> metadata);
    // SchemeSocketCall::MoveFd: attaches descriptions to the request that metadata names. EINVAL, ENOENT;
    // then they are the server's still. Returns their number.
    Result<std::uint64_t> move(std::vector<scheme::DescriptionRef>&& descriptions,
                               std::span<const std::uint64_t> metadata);

  private:
    Result<void> complete(const scheme::Caller& server, const abi::Cqe& cqe, mem::AddressSpace* space);
    Result<void> respond_with_fd(const scheme::Caller& server, const abi::Cqe& cqe);
    Result<void> obtain_one(const scheme::Caller& server, const abi::Cqe& cqe, mem::AddressSpace* space);
    [[nodiscard]] Result<std::shared_ptr<fd::FdTable>> files_of(const scheme::Caller& server) const;

    UserScheme& scheme_;
    const task::ContextTable& contexts_;
};

}  // namespace halfcell::user_scheme
