#pragma once

// Scheme 4: pipes. Source: kernel:src/scheme/pipe.rs.

#include <atomic>
#include <memory>
#include <unordered_map>

#include "kernel_shim/base/guarded.h"
#include "kernel_shim/base/memory_budget.h"
#include "kernel_shim/scheme/scheme.h"
#include "schemes/kernel/pipe_buffer.h"

namespace halfcell::schemes {

// Numbers: even for a read end, the same | 1 for its write end; roots take an even number too. Opening the
// root gives a read end, dup "write" on it the write end, once.
class PipeScheme final : public scheme::Scheme {
  public:
    // Writes are refused with ENOMEM where `queues` has no room for what they leave behind (safer).
    explicit PipeScheme(std::shared_ptr<MemoryBudget> queues) : queues_(std::move(queues)) {}

    [[nodiscard]] std::string_view name() const override { return "pipe"; }

    Result<scheme::OpenedHandle> root() override;
    Result<scheme::OpenResult> openat(const scheme::Caller& caller, HandleNumber base, std::string_view path,
                                      std::uint64_t flags, std::uint32_t fcntl_flags) override;
    Result<scheme::OpenResult> dup(const scheme::Caller& caller, HandleNumber number,
                                   const mem::UserIn& name) override;
    Result<std::uint64_t> read(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to,
                               scheme::TransferFlags flags) override;
    Result<std::uint64_t> write(const scheme::Caller& caller, HandleNumber number, const mem::UserIn& from,
                                scheme::TransferFlags flags) override;
    Result<std::uint64_t> fevent(const scheme::Caller& caller, HandleNumber number,
                                 std::uint64_t flags) override;
    Result<std::uint64_t> fpath(const scheme::Caller& caller, HandleNumber number,
                                const mem::UserOut& to) override;
    Result<void> fstat(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to) override;
    Result<std::uint64_t> fd_write(const scheme::Caller& caller, HandleNumber number,
                                   std::vector<scheme::DescriptionRef>&& descriptions, std::uint64_t flags,
                                   std::uint64_t argument, std::span<const std::uint64_t> metadata) override;
    Result<std::vector<scheme::DescriptionRef>> fd_read(const scheme::Caller& caller, HandleNumber number,
                                                        std::uint64_t room, std::uint64_t flags,
                                                        std::span<const std::uint64_t> metadata) override;
    void fd_unread(HandleNumber number, std::vector<scheme::DescriptionRef> descriptions,
                   std::span<const std::uint64_t> metadata) override;
    Result<void> close(HandleNumber number) override;
    void unregistered() override;

    // Pipes and roots, for sys:stat.
    [[nodiscard]] std::uint64_t count() const;

  private:
    using PipeRef = std::shared_ptr<PipeBuffer>;

    // The pipe a number belongs to. EBADF: none, or a root.
    Result<PipeRef> find(HandleNumber number) const;
    Result<scheme::OpenResult> open_writer(HandleNumber number, PipeBuffer& pipe);
    // Tells the watchers of one end, if there ever were any.
    void report(HandleNumber number, PipeEnd end, const PipeBuffer& pipe);

    const std::shared_ptr<MemoryBudget> queues_;
    std::atomic<std::uint64_t> next_{0};
    // Read-end number -> pipe; null for a root.
    Guarded<std::unordered_map<HandleNumber, PipeRef>, LockLevel::kScheme> pipes_;
};

}  // namespace halfcell::schemes
