#pragma once

// "addrspace": the grants of an address space, and what can be done to them from outside.
// Source: kernel:src/scheme/proc.rs ContextHandle::AddrSpace.

#include "schemes/kernel/proc/handle.h"

namespace halfcell::schemes::proc {

class AddressSpaceHandle : public Handle {
  public:
    AddressSpaceHandle(ProcScheme& scheme, std::shared_ptr<mem::AddressSpace> space)
        : scheme_(scheme), space_(std::move(space)) {}

    [[nodiscard]] const std::shared_ptr<mem::AddressSpace>& space() const { return space_; }

    // abi::GrantDesc records, at most 16 a call, from the one `offset` falls into. Returns the size of those
    // produced, even where only fewer fit the buffer, as upstream.
    Result<std::uint64_t> read(const scheme::Caller& caller, const mem::UserOut& to,
                               std::uint64_t offset) override;
    // An abi::AddrspaceOp and its words. MMAP and TRANSFER return the address, the others what they consumed.
    // EINVAL: short, unknown operation or flag, bad range; EFAULT: range past 1<<47; EBADF: the descriptor;
    // EOPNOTSUPP: TRANSFER without one; else errors of the mapping.
    Result<std::uint64_t> write(const scheme::Caller& caller, const mem::UserIn& from) override;
    // "empty", "exclusive", "mmap-min-addr", "grant-fd-<hex>". EINVAL otherwise; EBADF where that grant shows
    // no file; errors of AddressSpace::clone.
    Result<scheme::OpenResult> dup(const scheme::Caller& caller, std::string_view name) override;
    // Shows (or, to `consume`, moves) the range of this space at Map::offset in `target`. EBUSY for the same
    // space; EINVAL, EFAULT bad ranges; errors of AddressSpace::borrow and transfer.
    Result<std::uint64_t> fmap(const scheme::Caller& caller, mem::AddressSpace& target, const abi::Map& map,
                               bool consume) override;

  private:
    Result<std::uint64_t> map(const scheme::Caller& caller, class WordReader& words, bool consume);
    [[nodiscard]] Result<scheme::OpenResult> grant_file(std::string_view page) const;

    ProcScheme& scheme_;
    const std::shared_ptr<mem::AddressSpace> space_;
};

}  // namespace halfcell::schemes::proc
