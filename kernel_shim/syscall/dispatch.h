#pragma once

// From a trap to its handler and back to a register value.

#include <atomic>
#include <optional>

#include "kernel_shim/syscall/frame.h"
#include "kernel_shim/task/worker.h"

namespace halfcell::syscall {

class Tracer;

// Runs the handler of `number`; ENOSYS where there is none. Blocks as the call does. Any worker.
Result<std::uint64_t> dispatch(std::uint32_t number, Call& call);

class Dispatcher final : public task::CallHandler {
  public:
    // ESRCH where the context has no address space any more, which only a context that ends can see.
    // A call that is traced is always answered here, so that its line shows what came of it.
    std::optional<std::uint64_t> handle(task::Kernel& kernel, task::Context& context,
                                        const machine::CallTrap& trap) override;

    // From now on every call is shown to `tracer` (null: to nobody). It must outlive the last call. Any
    // thread.
    void trace_to(Tracer* tracer) { tracer_.store(tracer, std::memory_order_release); }

  private:
    std::atomic<Tracer*> tracer_{nullptr};
};

}  // namespace halfcell::syscall
