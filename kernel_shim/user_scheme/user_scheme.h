#pragma once

// A scheme that a guest serves. Its server sees the caller's buffers, and shows its files, in its own address
// space. Source: kernel:src/scheme/user.rs UserScheme.

#include <memory>
#include <string_view>

#include "kernel_shim/user_scheme/forwarding_scheme.h"
#include "kernel_shim/user_scheme/lender.h"

namespace halfcell::user_scheme {

class UserScheme final : public ForwardingScheme {
  public:
    // `server`: the context whose address space buffers appear in. `pool` outlives the scheme.
    UserScheme(machine::Pool& pool, std::weak_ptr<task::Context> server)
        : UserScheme(pool, new Lender(pool, std::move(server))) {}

    // The kernel knows no names of schemes; this is what traces show.
    [[nodiscard]] std::string_view name() const override { return "user"; }

    // Answered by the thread that brings the server's answer.
    Result<std::uint64_t> read_late(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to,
                                    std::uint64_t offset, scheme::TransferFlags flags,
                                    scheme::LateOffer& offer) override;
    Result<std::uint64_t> write_late(const scheme::Caller& caller, HandleNumber number,
                                     const mem::UserIn& from, std::uint64_t offset,
                                     scheme::TransferFlags flags, scheme::LateOffer& offer) override;

    // As all that is forwarded, and ESRCH where the context that made the scheme has ended.
    Result<std::uint64_t> fmap(const scheme::Caller& caller, HandleNumber number,
                               const scheme::DescriptionRef& description, mem::AddressSpace& target,
                               const abi::Map& map, bool consume) override;

  private:
    // Takes the lender over.
    UserScheme(machine::Pool& pool, Lender* lender)
        : ForwardingScheme(std::unique_ptr<Buffers>(lender)), pool_(pool), lender_(*lender) {}
    Result<mem::MemoryRef> private_copy(mem::AddressSpace& server, std::uint64_t address,
                                        std::uint64_t size) const;

    machine::Pool& pool_;
    Lender& lender_;  // the base's buffers
};

}  // namespace halfcell::user_scheme
