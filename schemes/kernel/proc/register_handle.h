#pragma once

// "regs/int", "regs/float", "regs/env". Where the registers are depends on what the context does: stored for
// one that has not started, in the parked thread for a running one, and for the calling context itself in the
// park that follows its call. Source: kernel:src/scheme/proc.rs RegsKind, try_stop_context.

#include "schemes/kernel/proc/handle.h"

namespace halfcell::schemes::proc {

// Common to the three: reads give as much as fits, writes take the whole set (EINVAL when short). EINTR where
// the caller was interrupted while the target stopped.
//
// abi::IntRegisters. cs and ss are constants and ignored; of rflags only the arithmetic, direction and trap
// flags change. ENOTRECOVERABLE for the dead; EBUSY to read what sleeps in a call (upstream shows its frame).
class IntRegisterHandle : public Handle {
  public:
    explicit IntRegisterHandle(Target target) : target_(std::move(target)) {}
    Result<std::uint64_t> read(const scheme::Caller& caller, const mem::UserOut& to,
                               std::uint64_t offset) override;
    Result<std::uint64_t> write(const scheme::Caller& caller, const mem::UserIn& from) override;

  private:
    const Target target_;
};

// abi::FloatRegisters. What is stored before the start is only shown, as upstream may do. A thread asleep in
// a call shows what was stored last.
class FloatRegisterHandle : public Handle {
  public:
    explicit FloatRegisterHandle(Target target) : target_(std::move(target)) {}
    Result<std::uint64_t> read(const scheme::Caller& caller, const mem::UserOut& to,
                               std::uint64_t offset) override;
    Result<std::uint64_t> write(const scheme::Caller& caller, const mem::UserIn& from) override;

  private:
    const Target target_;
};

// abi::EnvRegisters: both canonical, else EINVAL. A thread asleep in a call shows what was written last.
class EnvRegisterHandle : public Handle {
  public:
    explicit EnvRegisterHandle(Target target) : target_(std::move(target)) {}
    Result<std::uint64_t> read(const scheme::Caller& caller, const mem::UserOut& to,
                               std::uint64_t offset) override;
    Result<std::uint64_t> write(const scheme::Caller& caller, const mem::UserIn& from) override;

  private:
    const Target target_;
};

}  // namespace halfcell::schemes::proc
