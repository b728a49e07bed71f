#pragma once

// From a trap to its handler and back to a register value.

#include <atomic>
#include <optional>

#include "kernel_shim/syscall/frame.h"
#include "kernel_shim/task/worker.h"

namespace halfcell::syscall {

// Runs the handler of `number`; ENOSYS where there is none. Blocks as the call does. Any worker.
Result<std::uint64_t> dispatch(std::uint32_t number, Call& call);

// Sees calls as they are made: runs each itself, by dispatch() or by another observer, and returns what it
// answered. Any worker; blocks as the call does.
class CallObserver {
  public:
    virtual ~CallObserver() = default;
    virtual Result<std::uint64_t> run(std::uint32_t number, Call& call) = 0;
    // Whether it looks at the calls of this process at all; those of others are made without it. Any worker.
    [[nodiscard]] virtual bool watches(std::uint32_t pid) const = 0;
};

class Dispatcher final : public task::CallHandler {
  public:
    // ESRCH where the context has no address space any more, which only a context that ends can see.
    // A call that is traced is always answered here, so that its line shows what came of it.
    std::optional<std::uint64_t> handle(task::Kernel& kernel, task::Context& context,
                                        const machine::CallTrap& trap) override;

    // From now on the calls it watches are shown to `observer` (null: to nobody). It must outlive the last
    // call. Any thread.
    void show_to(CallObserver* observer) { observer_.store(observer, std::memory_order_release); }

  private:
    std::atomic<CallObserver*> observer_{nullptr};
};

}  // namespace halfcell::syscall
