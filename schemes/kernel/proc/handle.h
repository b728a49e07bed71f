#pragma once

// What every handle of kernel.proc has in common, and what those of a kind answer where they say nothing
// else. Source: kernel:src/scheme/proc.rs ContextHandle.

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "kernel_shim/base/result.h"
#include "kernel_shim/mem/user_slice.h"
#include "kernel_shim/scheme/caller.h"
#include "kernel_shim/scheme/scheme.h"
#include "kernel_shim/task/context.h"
#include "kernel_shim/task/worker.h"

namespace halfcell::schemes::proc {

class ProcScheme;

// Ends a context that has not started by the time its last handle goes: nobody could start it any more.
// Upstream leaks it.
class Anchor {
  public:
    Anchor(task::Workers& workers, std::shared_ptr<task::Context> context)
        : workers_(workers), context_(std::move(context)) {}
    Anchor(const Anchor&) = delete;
    Anchor& operator=(const Anchor&) = delete;
    ~Anchor();

  private:
    task::Workers& workers_;
    const std::shared_ptr<task::Context> context_;
};

// The context a handle is about. It stays readable after its death, as upstream in this snapshot.
struct Target {
    std::shared_ptr<task::Context> context;
    std::shared_ptr<Anchor> anchor;  // null where the context came from elsewhere
};

class Handle {
  public:
    Handle() = default;
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    virtual ~Handle() = default;

    // Transfers; `offset` is scheme::kNoOffset for unpositioned handles, and only the kinds with contents of
    // any length look at it. They return bytes, but for the operations of an addrspace handle. EBADF.
    virtual Result<std::uint64_t> read(const scheme::Caller& caller, const mem::UserOut& to,
                                       std::uint64_t offset);
    virtual Result<std::uint64_t> write(const scheme::Caller& caller, const mem::UserIn& from);
    // The same for kinds that heed the flags of a read, or the offset of a write. The other two.
    virtual Result<std::uint64_t> read_with(const scheme::Caller& caller, const mem::UserOut& to,
                                            std::uint64_t offset, scheme::TransferFlags flags);
    virtual Result<std::uint64_t> write_at(const scheme::Caller& caller, const mem::UserIn& from,
                                           std::uint64_t offset);
    // `name` has 1 to 64 bytes of any kind. EINVAL.
    virtual Result<scheme::OpenResult> dup(const scheme::Caller& caller, std::string_view name);
    // Maps into `target`; `consume` asks to move. Returns the address. EBADF.
    virtual Result<std::uint64_t> fmap(const scheme::Caller& caller, mem::AddressSpace& target,
                                       const abi::Map& map, bool consume);
    // SYS_CALL. EBADF.
    virtual Result<std::uint64_t> call(const scheme::Caller& caller, std::span<const std::uint64_t> metadata);
    // abi::EventFlags of what is ready now. None.
    [[nodiscard]] virtual std::uint64_t ready() const;
    // Bytes, for SEEK_END and fstat. 0.
    [[nodiscard]] virtual std::uint64_t size() const;
    // The last description of the handle is gone; what it says becomes the result of that close. Ok.
    virtual Result<void> closed();
};

}  // namespace halfcell::schemes::proc
