#pragma once

// "current-addrspace" and "current-filetable": a write chooses, the last close makes the context change over.
// Source: kernel:src/scheme/proc.rs AwaitingAddrSpaceChange, AwaitingFiletableChange.

#include <optional>

#include "kernel_shim/base/guarded.h"
#include "schemes/kernel/proc/handle.h"

namespace halfcell::schemes::proc {

// Write: addrspace descriptor, stack pointer, instruction pointer, and maybe an argument for rsi; returns 24
// or
// 32. EINVAL short; EBADF where the descriptor is no addrspace handle, or the handle has been written to.
// Close: ESRCH where the context has died.
class CurrentAddressSpaceHandle : public Handle {
  public:
    CurrentAddressSpaceHandle(ProcScheme& scheme, Target target)
        : scheme_(scheme), target_(std::move(target)) {}
    Result<std::uint64_t> write(const scheme::Caller& caller, const mem::UserIn& from) override;
    Result<void> closed() override;

  private:
    ProcScheme& scheme_;
    const Target target_;
    Guarded<std::optional<task::SpaceSwitch>, LockLevel::kObject> chosen_;
};

// Write: filetable descriptor; returns 8. EINVAL short; EBADF as above; EOWNERDEAD where the table is gone.
// Close: ESRCH where the context has died. The replaced table is closed in order when nobody shares it, which
// upstream forgets.
class CurrentFileTableHandle : public Handle {
  public:
    CurrentFileTableHandle(ProcScheme& scheme, Target target) : scheme_(scheme), target_(std::move(target)) {}
    Result<std::uint64_t> write(const scheme::Caller& caller, const mem::UserIn& from) override;
    Result<void> closed() override;

  private:
    ProcScheme& scheme_;
    const Target target_;
    Guarded<std::shared_ptr<fd::FdTable>, LockLevel::kObject> chosen_;
};

}  // namespace halfcell::schemes::proc
