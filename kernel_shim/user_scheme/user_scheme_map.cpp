// Mapping a server's pages as a file. Source: kernel:src/scheme/user.rs fmap_inner,
// kernel:src/context/memory.rs GrantFileRef::unmap.

#include <algorithm>
#include <array>

#include "abi/flags.h"
#include "kernel_shim/mem/map_request.h"
#include "kernel_shim/scheme/file_grant_owner.h"
#include "kernel_shim/user_scheme/user_scheme.h"

namespace halfcell::user_scheme {

using abi::Opcode;
using scheme::Caller;

// Tells the server of every piece that goes, and waits for its answer as far as the unmapping thread can.
class UserScheme::FileGrant final : public scheme::FileGrantOwner {
  public:
    FileGrant(std::shared_ptr<UserScheme> scheme, scheme::DescriptionRef description, const Caller& mapper)
        : FileGrantOwner(std::move(description)),
          scheme_(std::move(scheme)),
          context_(mapper.context),
          pid_(mapper.pid),
          uid_(mapper.uid),
          gid_(mapper.gid) {}

    void unmapped(std::uint64_t offset, std::uint64_t size, bool needs_sync) override {
        const std::uint64_t flags = needs_sync ? std::uint64_t{abi::MunmapFlags::kNeedsSync} : 0;
        const Message message{
            Opcode::kMunmap,
            {description()->number().value(), size, flags, offset, 0, credentials(uid_, gid_)}};
        wait::Waiter* const waiter = wait::Waiter::of_this_thread();
        if (waiter == nullptr) return scheme_->channel_.post(message, pid_);
        Loan nothing;
        // Nobody could use the answer.
        (void)scheme_->exchange({context_, pid_, uid_, gid_, *waiter}, message, nothing);
    }

  private:
    const std::shared_ptr<UserScheme> scheme_;
    const ContextId context_;
    const std::uint32_t pid_;
    const std::uint32_t uid_;
    const std::uint32_t gid_;
};

// What a program can store to without its server or anybody else seeing it. On Redox the first such store
// hangs (safer).
Result<mem::MemoryRef> UserScheme::private_copy(mem::AddressSpace& server, std::uint64_t address,
                                                std::uint64_t size) const {
    mem::MemoryRef copy = TRY(pool_.allocate(size));
    std::array<std::byte, machine::kPageSize> page;
    for (std::uint64_t done = 0; done < size; done += page.size()) {
        if (!server.read(address + done, page)) return fail(Errno::kEIO);
        TRY(copy->write(done, page));
    }
    return copy;
}

Result<std::uint64_t> UserScheme::fmap(const Caller& caller, HandleNumber number,
                                       const scheme::DescriptionRef& description, mem::AddressSpace& target,
                                       const abi::Map& map, bool) {
    using abi::MapFlags;
    const mem::MapRequest request = TRY(mem::map_request(map, mem::RangeRule::kFile));
    if (!machine::page_aligned(map.offset)) return fail(Errno::kEINVAL);
    const auto server = TRY(lender_.server_space());
    if (server.get() == &target) return fail(Errno::kEBUSY);
    const std::uint64_t address =
        TRY(ask(caller, Opcode::kMmapPrep, {number.value(), map.size, map.flags, map.offset}));
    if (!machine::page_aligned(address)) return fail(Errno::kEINVAL);

    auto owner = std::make_shared<FileGrant>(shared_from_this(), description, caller);
    const bool shared = (map.flags & MapFlags::kMapShared) != 0;
    if (shared || !request.protection.write)
        return target.show_file(*server, address, request, map.offset, std::move(owner));
    if (!mem::validate_range(address, request.size, mem::RangeRule::kSpan)) return fail(Errno::kEIO);
    mem::MapSource source;
    source.kind = mem::GrantKind::kFile;
    source.object = TRY(private_copy(*server, address, request.size));
    source.file_offset = map.offset;
    source.owner = std::move(owner);
    return target.map(request, source);
}

}  // namespace halfcell::user_scheme
