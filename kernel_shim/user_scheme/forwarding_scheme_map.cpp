// Mappings of a server's files, as far as they are the same whatever memory the server has.
// Source: kernel:src/scheme/user.rs fmap_inner, kernel:src/context/memory.rs GrantFileRef::unmap.

#include "abi/flags.h"
#include "kernel_shim/scheme/file_grant_owner.h"
#include "kernel_shim/user_scheme/forwarding_scheme.h"

namespace halfcell::user_scheme {

using abi::Opcode;
using scheme::Caller;

// Tells the server of every piece that goes, and waits for its answer as far as the unmapping thread can.
class ForwardingScheme::FileGrant final : public scheme::FileGrantOwner {
  public:
    FileGrant(std::shared_ptr<ForwardingScheme> scheme, scheme::DescriptionRef description,
              const Caller& mapper)
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
    const std::shared_ptr<ForwardingScheme> scheme_;
    const ContextId context_;
    const std::uint32_t pid_;
    const std::uint32_t uid_;
    const std::uint32_t gid_;
};

std::shared_ptr<mem::GrantOwner> ForwardingScheme::grant_owner(const Caller& mapper,
                                                               const scheme::DescriptionRef& description) {
    return std::make_shared<FileGrant>(shared_from_this(), description, mapper);
}

Result<Answer> ForwardingScheme::prepare_map(const Caller& caller, HandleNumber number, const abi::Map& map) {
    const Message message{
        Opcode::kMmapPrep,
        {number.value(), map.size, map.flags, map.offset, 0, credentials(caller.uid, caller.gid)}};
    Loan nothing;
    return exchange(caller, message, nothing);
}

}  // namespace halfcell::user_scheme
