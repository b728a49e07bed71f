#pragma once

// What schemes have in common whose handles come from a root, belong to nobody's tree and keep open flags of
// their own: terminals, sockets, channels. Source: base:ptyd/src/scheme.rs, base:ipcd/src.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "abi/flags.h"
#include "kernel_shim/scheme/handle_map.h"
#include "kernel_shim/scheme/scheme.h"

namespace halfcell::schemes {

// The open flags of a handle, which F_SETFL changes.
class HandleFlags {
  public:
    explicit HandleFlags(std::uint64_t flags) : flags_(flags) {}
    [[nodiscard]] std::uint64_t get() const { return flags_.load(std::memory_order_relaxed); }
    // Replaces all but the access mode.
    void set(std::uint64_t flags) {
        constexpr std::uint64_t kAccess = abi::OpenFlags::kAccmode;
        flags_.store((get() & kAccess) | (flags & ~kAccess), std::memory_order_relaxed);
    }
    // Whether a transfer must not wait: the handle's own flags decide, those of the call too.
    [[nodiscard]] bool nonblocking(std::uint64_t of_the_call = 0) const {
        return ((get() | of_the_call) & abi::OpenFlags::kNonblock) != 0;
    }

  private:
    std::atomic<std::uint64_t> flags_;
};

// `Handle` has a member `flags` of type HandleFlags. Handles are numbered from 1.
template <typename Handle>
class RootedScheme : public scheme::Scheme {
  public:
    Result<scheme::OpenedHandle> root() final { return scheme::OpenedHandle{.number = kRoot}; }

    // From the root only (EACCES).
    Result<scheme::OpenResult> openat(const scheme::Caller& caller, HandleNumber base, std::string_view path,
                                      std::uint64_t flags, std::uint32_t fcntl_flags) final {
        if (base == kRoot) return open(caller, path, flags | fcntl_flags);
        TRY(handles_.find(base));
        return fail(Errno::kEACCES);
    }
    // F_GETFL and F_SETFL; EINVAL.
    Result<std::uint64_t> fcntl(const scheme::Caller&, HandleNumber number, std::uint64_t command,
                                std::uint64_t argument) final {
        const std::shared_ptr<Handle> handle = TRY(handles_.find(number));
        if (command == abi::FcntlCommand::kGetfl) return handle->flags.get();
        if (command != abi::FcntlCommand::kSetfl) return fail(Errno::kEINVAL);
        handle->flags.set(argument);
        return 0;
    }
    Result<void> fsync(const scheme::Caller&, HandleNumber number) override {
        TRY(handles_.find(number));
        return {};
    }
    Result<void> close(HandleNumber number) final {
        if (number != kRoot) closed(number, TRY(handles_.remove(number)));
        return {};
    }

  protected:
    // The root is no handle of the map, so that what is opened counts from 1.
    static constexpr HandleNumber kRoot{UINT64_MAX};

    virtual Result<scheme::OpenResult> open(const scheme::Caller& caller, std::string_view path,
                                            std::uint64_t flags) = 0;
    // The handle is in the map no more.
    virtual void closed(HandleNumber number, const std::shared_ptr<Handle>& handle) = 0;

    // The text of a dup. EINVAL where it is longer than any name could be; EFAULT.
    static Result<std::string> dup_name(const mem::UserIn& name) {
        constexpr std::uint64_t kLongest = 4096;
        if (name.size() > kLongest) return fail(Errno::kEINVAL);
        return name.read_string(kLongest);
    }

    // Answers with a handle that was made for something that can fail; where it did, the handle goes again.
    Result<scheme::OpenResult> keep_if(const Result<void>& worked, HandleNumber number) {
        if (worked) return scheme::OpenedHandle{.number = number};
        (void)handles_.remove(number);
        return fail(worked.error());
    }

    scheme::HandleMap<Handle> handles_;
};

}  // namespace halfcell::schemes
