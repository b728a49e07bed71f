#include "schemes/kernel/install.h"

#include "abi/flags.h"
#include "schemes/kernel/debug.h"
#include "schemes/kernel/event.h"
#include "schemes/kernel/memory.h"
#include "schemes/kernel/pipe.h"
#include "schemes/kernel/time.h"

namespace halfcell::schemes {

void install_kernel_schemes(task::Kernel& kernel, const KernelSchemeOptions& options) {
    using abi::GlobalSchemes;
    const auto add = [&kernel](GlobalSchemes id, std::shared_ptr<scheme::Scheme> scheme) {
        kernel.schemes.add(SchemeId{static_cast<std::uint32_t>(id)}, std::move(scheme));
    };
    const auto log = options.log != nullptr ? options.log : std::make_shared<KernelLog>();
    add(GlobalSchemes::kDebug, std::make_shared<DebugScheme>(options.console, log));
    add(GlobalSchemes::kEvent, std::make_shared<EventScheme>(kernel.events, kernel.contexts));
    add(GlobalSchemes::kMemory, std::make_shared<MemoryScheme>(kernel.pool, kernel.contexts, log));
    add(GlobalSchemes::kPipe, std::make_shared<PipeScheme>());
    add(GlobalSchemes::kTime, std::make_shared<TimeScheme>(kernel.clock));
}

}  // namespace halfcell::schemes
