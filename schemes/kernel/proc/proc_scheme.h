#pragma once

// kernel.proc: contexts as files. Whoever holds the Authority handle makes contexts; whoever holds a thread
// handle may read and change that context. Source: kernel:src/scheme/proc.rs ProcScheme.

#include <memory>
#include <string_view>

#include "kernel_shim/scheme/handle_map.h"
#include "kernel_shim/scheme/scheme.h"
#include "kernel_shim/task/kernel.h"
#include "schemes/kernel/proc/handle.h"

namespace halfcell::schemes::proc {

struct TraceOrder;

// Names travel through dup in at most this many bytes.
inline constexpr std::uint64_t kMaxNameLength = 64;

class ProcScheme : public scheme::Scheme, public std::enable_shared_from_this<ProcScheme> {
  public:
    // `kernel` outlives the scheme. The scheme must live in a shared_ptr.
    explicit ProcScheme(task::Kernel& kernel) : kernel_(kernel) {}

    [[nodiscard]] task::Kernel& kernel() { return kernel_; }

    // --- for the handles and for the process manager.

    // A context with an empty address space and an empty file table, not started, and its owner handle: the
    // one whose EVENT_READ tells of the death. EAGAIN past the limit of contexts.
    // Source: kernel:src/context/mod.rs spawn.
    struct NewContext {
        std::shared_ptr<task::Context> context;
        HandleNumber number;
    };
    Result<NewContext> make_context();
    // A thread handle of any context.
    HandleNumber open_thread(std::shared_ptr<task::Context> context);

    // A trace handle. EBUSY where one of the contexts has a tracer, ESRCH where none is alive.
    Result<HandleNumber> open_trace(TraceOrder order);

    // Gives a handle its number.
    scheme::OpenedHandle add(std::shared_ptr<Handle> handle, bool positioned);
    // The handle of this scheme that a descriptor of the caller names: EBADF where nothing or another
    // scheme's file is open there, ENODEV where that scheme is gone.
    Result<std::shared_ptr<Handle>> handle_of_fd(const scheme::Caller& caller, std::uint64_t fd) const;
    // The same of a description.
    Result<std::shared_ptr<Handle>> handle_of(const scheme::DescriptionRef& description) const;
    // What a descriptor of the caller refers to. EBADF.
    Result<scheme::DescriptionRef> description_of_fd(const scheme::Caller& caller, std::uint64_t fd) const;
    // The context that makes the call. ESRCH where the caller is none.
    [[nodiscard]] Result<std::shared_ptr<task::Context>> context_of(const scheme::Caller& caller) const;

    // --- Scheme.

    [[nodiscard]] std::string_view name() const override { return "kernel.proc"; }
    Result<scheme::OpenedHandle> root() override;
    Result<scheme::OpenResult> dup(const scheme::Caller& caller, HandleNumber number,
                                   const mem::UserIn& name) override;
    Result<std::uint64_t> read_at(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to,
                                  std::uint64_t offset, scheme::TransferFlags flags) override;
    Result<std::uint64_t> write_at(const scheme::Caller& caller, HandleNumber number, const mem::UserIn& from,
                                   std::uint64_t offset, scheme::TransferFlags flags) override;
    Result<std::uint64_t> fsize(const scheme::Caller& caller, HandleNumber number) override;
    Result<std::uint64_t> fevent(const scheme::Caller& caller, HandleNumber number,
                                 std::uint64_t flags) override;
    Result<std::uint64_t> fpath(const scheme::Caller& caller, HandleNumber number,
                                const mem::UserOut& to) override;
    Result<void> fstat(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to) override;
    Result<std::uint64_t> fmap(const scheme::Caller& caller, HandleNumber number,
                               const scheme::DescriptionRef& description, mem::AddressSpace& target,
                               const abi::Map& map, bool consume) override;
    Result<std::uint64_t> call(const scheme::Caller& caller, HandleNumber number,
                               const mem::UserInOut& payload, std::uint64_t flags,
                               std::span<const std::uint64_t> metadata) override;
    Result<void> close(HandleNumber number) override;
    void unregistered() override;

  private:
    task::Kernel& kernel_;
    scheme::HandleMap<Handle> handles_;
};

}  // namespace halfcell::schemes::proc
