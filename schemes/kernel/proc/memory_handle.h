#pragma once

// "mem": the memory of an address space, at its own addresses. Reads and writes what the program itself may
// not; files only where it may. Both end early at a hole; EFAULT where they begin at one.
// Source: kernel:src/scheme/proc.rs of the time when it was there, Operation::Memory.

#include <memory>

#include "schemes/kernel/proc/handle.h"

namespace halfcell::schemes::proc {

class MemoryHandle : public Handle {
  public:
    explicit MemoryHandle(std::shared_ptr<mem::AddressSpace> space) : space_(std::move(space)) {}
    Result<std::uint64_t> read(const scheme::Caller& caller, const mem::UserOut& to,
                               std::uint64_t offset) override;
    Result<std::uint64_t> write_at(const scheme::Caller& caller, const mem::UserIn& from,
                                   std::uint64_t offset) override;

  private:
    const std::shared_ptr<mem::AddressSpace> space_;
};

}  // namespace halfcell::schemes::proc
