#pragma once

// "sighandler": where signals go, and the two pages through which they are told.
// Source: kernel:src/scheme/proc.rs ContextHandle::Sighandler.

#include "schemes/kernel/proc/handle.h"

namespace halfcell::schemes::proc {

class SignalHandle : public Handle {
  public:
    SignalHandle(ProcScheme& scheme, Target target) : scheme_(scheme), target_(std::move(target)) {}
    // abi::SetSighandlerData with the offsets of the control structures in their pages instead of their
    // addresses; zeros where nothing is registered.
    Result<std::uint64_t> read(const scheme::Caller& caller, const mem::UserOut& to,
                               std::uint64_t offset) override;
    // Registers; with a control address of 0 it forgets. EINVAL short, a misplaced structure, no handler, or
    // nothing mapped; EPERM a handler past 1<<47, or memory that is not private; EFAULT an address past
    // 1<<47; ENOMEM a page without WRITE; ESRCH a dead context.
    Result<std::uint64_t> write(const scheme::Caller& caller, const mem::UserIn& from) override;
    // Map::offset 0 shows the thread's page, one page further the process's, writable, somewhere in the
    // calling context's own space whatever else is asked for. EINVAL, EBADF where nothing is registered.
    Result<std::uint64_t> fmap(const scheme::Caller& caller, mem::AddressSpace& target, const abi::Map& map,
                               bool consume) override;

  private:
    ProcScheme& scheme_;
    const Target target_;
};

}  // namespace halfcell::schemes::proc
