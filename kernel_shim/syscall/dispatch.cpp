#include "kernel_shim/syscall/dispatch.h"

#include "abi/number.h"
#include "kernel_shim/syscall/handlers.h"

namespace halfcell::syscall {

Result<std::uint64_t> dispatch(std::uint32_t number, Call& call) {
    switch (number) {
#define HALFCELL_CALL(number, handler, topic, support, result, arguments, note) \
    case abi::number:                                                           \
        return handler(call);
#include "kernel_shim/syscall/table.def"
        default:
            return fail(Errno::kENOSYS);
    }
}

std::optional<std::uint64_t> Dispatcher::handle(task::Kernel& kernel, task::Context& context,
                                                const machine::CallTrap& trap) {
    const task::CallView view = context.view();
    if (view.space == nullptr) return abi::mux_error(Errno::kESRCH);
    CallObserver* observer = observer_.load(std::memory_order_acquire);
    if (observer != nullptr && !observer->watches(view.pid)) [[unlikely]]
        observer = nullptr;
    LateOffer late(context, trap.number, view.space);
    Call call{kernel,
              context,
              *view.space,
              *view.files,
              {context.id(), view.pid, view.uid, view.gid, context.waiter()},
              trap.args,
              observer == nullptr && context.late_calls().possible() ? &late : nullptr};
    if (observer != nullptr) [[unlikely]]
        return mux(observer->run(trap.number, call));
    const Result<std::uint64_t> result = dispatch(trap.number, call);
    if (late.accepted()) return std::nullopt;
    return mux(result);
}

}  // namespace halfcell::syscall
