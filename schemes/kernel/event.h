#pragma once

// Scheme 2: event queues. Source: kernel:src/scheme/event.rs, kernel:src/event.rs.

#include <atomic>
#include <memory>
#include <unordered_map>

#include "kernel_shim/base/guarded.h"
#include "kernel_shim/scheme/event_registry.h"
#include "kernel_shim/scheme/scheme.h"
#include "kernel_shim/task/context_table.h"

namespace halfcell::schemes {

// Opening the root, with whatever path, makes a queue; queues count from 0. Writing abi::Event records to a
// queue (un)registers it with the files they name, reading takes what was triggered.
class EventScheme final : public scheme::Scheme {
  public:
    // Both outlive the scheme. `contexts` finds the descriptor table of the thread that registers.
    EventScheme(scheme::EventRegistry& registry, const task::ContextTable& contexts)
        : registry_(registry), contexts_(contexts) {}

    [[nodiscard]] std::string_view name() const override { return "event"; }

    Result<scheme::OpenedHandle> root() override;
    Result<scheme::OpenResult> openat(const scheme::Caller& caller, HandleNumber base, std::string_view path,
                                      std::uint64_t flags, std::uint32_t fcntl_flags) override;
    // As RecordQueue::receive, record by record.
    Result<std::uint64_t> read(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to,
                               scheme::TransferFlags flags) override;
    // Whole records one by one: `id` names a descriptor of the caller (EBADF: none, or the queue itself),
    // flags 0 unregisters. The file's scheme is asked for its readiness, and its error ends the write
    // although the registration stays. What earlier records did stays, too, and is not counted. EFAULT.
    Result<std::uint64_t> write(const scheme::Caller& caller, HandleNumber number, const mem::UserIn& from,
                                scheme::TransferFlags flags) override;
    Result<std::uint64_t> fevent(const scheme::Caller& caller, HandleNumber number,
                                 std::uint64_t flags) override;
    Result<std::uint64_t> fpath(const scheme::Caller& caller, HandleNumber number,
                                const mem::UserOut& to) override;
    Result<void> close(HandleNumber number) override;

  private:
    class Queue;
    using QueueRef = std::shared_ptr<Queue>;

    [[nodiscard]] Result<QueueRef> find(HandleNumber number) const;
    Result<void> add(const scheme::Caller& caller, HandleNumber number, const QueueRef& queue,
                     const abi::Event& event);

    scheme::EventRegistry& registry_;
    const task::ContextTable& contexts_;
    std::atomic<std::uint64_t> next_{0};
    Guarded<std::unordered_map<HandleNumber, QueueRef>, LockLevel::kScheme> queues_;
};

}  // namespace halfcell::schemes
