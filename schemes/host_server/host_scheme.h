#pragma once

// A scheme that a process of the host serves, as long as one connection to it lasts.

#include <memory>
#include <string>

#include "kernel_shim/user_scheme/forwarding_scheme.h"
#include "schemes/hostfd/hostfd_scheme.h"

namespace halfcell::host_server {

class HostScheme final : public user_scheme::ForwardingScheme {
  public:
    HostScheme(std::string name, std::unique_ptr<user_scheme::Buffers> buffers,
               std::shared_ptr<schemes::HostfdScheme> files)
        : ForwardingScheme(std::move(buffers)), name_(std::move(name)), files_(std::move(files)) {}

    [[nodiscard]] std::string_view name() const override { return name_; }

    // Moves a part of what is asked where that is much. EIO where the server claims to have moved more.
    Result<std::uint64_t> read_at(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to,
                                  std::uint64_t offset, scheme::TransferFlags flags) override;
    Result<std::uint64_t> write_at(const scheme::Caller& caller, HandleNumber number, const mem::UserIn& from,
                                   std::uint64_t offset, scheme::TransferFlags flags) override;
    // Shows a file that the server names. EIO where it names none; the errors of HostfdScheme::memory.
    Result<std::uint64_t> fmap(const scheme::Caller& caller, HandleNumber number,
                               const scheme::DescriptionRef& description, mem::AddressSpace& target,
                               const abi::Map& map, bool consume) override;

  private:
    const std::string name_;
    const std::shared_ptr<schemes::HostfdScheme> files_;
};

}  // namespace halfcell::host_server
