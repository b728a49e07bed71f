#pragma once

// "status", "auth-<fd>-status" and "start": what a context is doing, and orders to it.

#include "schemes/kernel/proc/handle.h"
#include "schemes/kernel/proc/word_reader.h"

namespace halfcell::schemes::proc {

// What a status handle may order beyond Interrupt and ForceKill.
enum class Privilege : std::uint8_t { kNone, kStopAndUnstop };

class StatusHandle : public Handle {
  public:
    StatusHandle(ProcScheme& scheme, Target target, Privilege privilege)
        : scheme_(scheme), target_(std::move(target)), privilege_(privilege) {}
    // abi::ContextStatus as a word, or as much of it as fits; for UnhandledExcp at least the word (EINVAL)
    // and as much of the Exception as fits.
    Result<std::uint64_t> read(const scheme::Caller& caller, const mem::UserOut& to,
                               std::uint64_t offset) override;
    // One abi::ContextVerb word. EINVAL unknown or missing; EPERM for what takes the privilege; EOWNERDEAD to
    // stop the dead. Stop of another context returns when it has stopped, if it can do so soon.
    Result<std::uint64_t> write(const scheme::Caller& caller, const mem::UserIn& from) override;

  private:
    Result<void> obey(const scheme::Caller& caller, abi::ContextVerb verb);

    ProcScheme& scheme_;
    const Target target_;
    const Privilege privilege_;
};

// Any write starts the context; returns the length. EINVAL where it has started, or is stopped.
class StartHandle : public Handle {
  public:
    StartHandle(ProcScheme& scheme, Target target) : scheme_(scheme), target_(std::move(target)) {}
    Result<std::uint64_t> write(const scheme::Caller& caller, const mem::UserIn& from) override;

  private:
    ProcScheme& scheme_;
    const Target target_;
};

// ForceKill of the calling context: `words` may go on with a range of its own memory to unmap first (base and
// size; EINVAL, EBUSY). The context ends once the call is over.
Result<std::uint64_t> end_caller(task::Context& context, WordReader& words);

}  // namespace halfcell::schemes::proc
