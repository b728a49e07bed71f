#pragma once

// The scheme socket of a guest. Source: kernel:src/scheme/user.rs; redox-scheme:src/lib.rs Socket.

#include <string_view>

#include "schemes/server/transport.h"
#include "userland/rt/syscall.h"

namespace halfcell::server {

class GuestTransport final : public Transport {
  public:
    // Makes a scheme whose buffers appear in this process and whose root is kRoot. EACCES (not for this user
    // or namespace).
    userland::Result<void> create();
    // From now on programs find it as /scheme/NAME. EEXIST, EACCES.
    userland::Result<void> register_as(std::string_view name);

    // As SYS_READ and SYS_WRITE on the socket; interruptions are not told.
    userland::Result<std::size_t> receive(std::span<abi::Sqe> to) override;
    void complete(std::span<const abi::Cqe> completions) override;
    [[nodiscard]] std::optional<std::span<std::byte>> buffer(std::uint64_t address,
                                                             std::uint64_t size) override;
    userland::Result<std::vector<Descriptor>> obtain(std::uint32_t tag, std::uint64_t count) override;
    userland::Result<void> attach(std::uint32_t tag, std::vector<Descriptor> descriptors) override;
    userland::Result<std::uint64_t> give(std::uint32_t tag, Descriptor descriptor) override;
    userland::Result<Shown> show(std::uint32_t tag, const Pages& pages, std::uint64_t offset) override;

  private:
    userland::UniqueFd socket_;
};

}  // namespace halfcell::server
