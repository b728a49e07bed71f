#include "schemes/kernel/install.h"

#include "abi/flags.h"
#include "schemes/kernel/acpi.h"
#include "schemes/kernel/debug.h"
#include "schemes/kernel/event.h"
#include "schemes/kernel/irq.h"
#include "schemes/kernel/memory.h"
#include "schemes/kernel/pipe.h"
#include "schemes/kernel/serio.h"
#include "schemes/kernel/sys/sys_scheme.h"
#include "schemes/kernel/time.h"

namespace halfcell::schemes {

namespace {

// A context that is being killed ends at its next safe point, which for the caller is the end of its call.
void kill_everything(const task::ContextTable& contexts) {
    for (const auto& context : contexts.all())
        context->kill(true);
}

}  // namespace

void install_kernel_schemes(task::Kernel& kernel, const KernelSchemeOptions& options) {
    using abi::GlobalSchemes;
    const auto add = [&kernel](GlobalSchemes id, std::shared_ptr<scheme::Scheme> scheme) {
        kernel.schemes.add(SchemeId{static_cast<std::uint32_t>(id)}, std::move(scheme));
    };
    const auto log = options.log != nullptr ? options.log : std::make_shared<KernelLog>();
    kernel.warn = [log](std::string_view module, std::string_view message) { log->warn(module, message); };
    const auto pipes = std::make_shared<PipeScheme>(kernel.queues);
    const auto time = std::make_shared<TimeScheme>(kernel.clock);
    const auto acpi = std::make_shared<AcpiScheme>();
    auto stop = options.stop;
    if (!stop) stop = [&kernel](sys::StopRequest) { kill_everything(kernel.contexts); };

    add(GlobalSchemes::kDebug, std::make_shared<DebugScheme>(options.console, log));
    add(GlobalSchemes::kEvent, std::make_shared<EventScheme>(kernel.events, kernel.contexts));
    add(GlobalSchemes::kMemory, std::make_shared<MemoryScheme>(kernel.pool, kernel.contexts, log));
    add(GlobalSchemes::kPipe, pipes);
    add(GlobalSchemes::kSerio, std::make_shared<SerioScheme>());
    add(GlobalSchemes::kIrq, std::make_shared<IrqScheme>());
    add(GlobalSchemes::kTime, time);
    add(GlobalSchemes::kSys, std::make_shared<sys::SysScheme>(sys::Sources{
                                 .kernel = kernel,
                                 .log = [log] { return log->text(); },
                                 .pipe_count = [pipes] { return pipes->count(); },
                                 .timer_count = [time] { return time->timers().count(); },
                                 .clock_changed = [time] { time->timers().clock_changed(); },
                                 .stop =
                                     [acpi, stop](sys::StopRequest request) {
                                         if (request == sys::StopRequest::kShutdown) acpi->request_stop();
                                         stop(request);
                                     },
                             }));
    add(GlobalSchemes::kAcpi, acpi);
}

}  // namespace halfcell::schemes
