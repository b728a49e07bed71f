#pragma once

// Small values of a context or an address space: "auth-<fd>-attrs", "sched-affinity", "mmap-min-addr".

#include "schemes/kernel/proc/handle.h"

namespace halfcell::schemes::proc {

// abi::ProcSchemeAttrs: read as much as fits, written whole (EINVAL when short, or the name is not UTF-8).
class AttributeHandle : public Handle {
  public:
    explicit AttributeHandle(Target target) : target_(std::move(target)) {}
    Result<std::uint64_t> read(const scheme::Caller& caller, const mem::UserOut& to,
                               std::uint64_t offset) override;
    Result<std::uint64_t> write(const scheme::Caller& caller, const mem::UserIn& from) override;

  private:
    const Target target_;
};

// A 128-bit CPU mask, whole both ways (EINVAL when short).
class AffinityHandle : public Handle {
  public:
    explicit AffinityHandle(Target target) : target_(std::move(target)) {}
    Result<std::uint64_t> read(const scheme::Caller& caller, const mem::UserOut& to,
                               std::uint64_t offset) override;
    Result<std::uint64_t> write(const scheme::Caller& caller, const mem::UserIn& from) override;

  private:
    const Target target_;
};

// The lowest address that placement by the kernel may use: one word, EINVAL unless it is a multiple of the
// page size and at most 1<<47.
class MmapMinAddrHandle : public Handle {
  public:
    explicit MmapMinAddrHandle(std::shared_ptr<mem::AddressSpace> space) : space_(std::move(space)) {}
    Result<std::uint64_t> read(const scheme::Caller& caller, const mem::UserOut& to,
                               std::uint64_t offset) override;
    Result<std::uint64_t> write(const scheme::Caller& caller, const mem::UserIn& from) override;

  private:
    const std::shared_ptr<mem::AddressSpace> space_;
};

}  // namespace halfcell::schemes::proc
