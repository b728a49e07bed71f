#pragma once

// The two kinds that handles come from: Authority, which makes contexts, and the thread handle, which opens
// everything about one.

#include "schemes/kernel/proc/handle.h"

namespace halfcell::schemes::proc {

// Given once, to the first program. "new-context", "cur-context"; ENOENT for any other name.
class AuthorityHandle : public Handle {
  public:
    explicit AuthorityHandle(ProcScheme& scheme) : scheme_(scheme) {}
    Result<scheme::OpenResult> dup(const scheme::Caller& caller, std::string_view name) override;

  private:
    ProcScheme& scheme_;
};

// OpenViaDup upstream. Writing accepts ForceKill of the caller's own context.
class ThreadHandle : public Handle {
  public:
    ThreadHandle(ProcScheme& scheme, Target target) : scheme_(scheme), target_(std::move(target)) {}
    // The names of openat_context; EINVAL for any other, ENOENT where the context has no such thing any more
    // or an "auth-" name is not good.
    Result<scheme::OpenResult> dup(const scheme::Caller& caller, std::string_view name) override;
    Result<std::uint64_t> write(const scheme::Caller& caller, const mem::UserIn& from) override;
    // ProcSchemeVerb::Iopl, for the calling context whatever the handle names.
    Result<std::uint64_t> call(const scheme::Caller& caller,
                               std::span<const std::uint64_t> metadata) override;

  private:
    // "trace", and behind it "-excl" and "-trunc" for the flags that a dup has no other place for.
    Result<scheme::OpenResult> open_trace(const scheme::Caller& caller, std::string_view options);
    Result<scheme::OpenResult> open_with_authority(const scheme::Caller& caller, std::string_view name);

    ProcScheme& scheme_;
    const Target target_;
};

}  // namespace halfcell::schemes::proc
