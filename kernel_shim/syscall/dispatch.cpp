#include "kernel_shim/syscall/dispatch.h"

#include "abi/number.h"
#include "kernel_shim/syscall/handlers.h"
#include "kernel_shim/syscall/trace.h"

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

std::uint64_t Dispatcher::handle(task::Kernel& kernel, task::Context& context,
                                 const machine::CallTrap& trap) {
    const task::CallView view = context.view();
    if (view.space == nullptr) return abi::mux_error(Errno::kESRCH);
    Call call{kernel,
              context,
              *view.space,
              *view.files,
              {context.id(), view.pid, view.uid, view.gid, context.waiter()},
              trap.args};
    Tracer* const tracer = tracer_.load(std::memory_order_relaxed);
    if (tracer != nullptr) [[unlikely]]
        return mux(tracer->run(trap.number, call));
    return mux(dispatch(trap.number, call));
}

}  // namespace halfcell::syscall
