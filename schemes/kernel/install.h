#pragma once

// The kernel's own schemes, entered into a kernel under their fixed ids.

#include <functional>
#include <memory>

#include "kernel_shim/task/kernel.h"
#include "schemes/kernel/console.h"
#include "schemes/kernel/kernel_log.h"
#include "schemes/kernel/sys/files.h"

namespace halfcell::schemes {

struct KernelSchemeOptions {
    // The machine's console; outlives the kernel.
    ConsoleSink& console;
    // What sys:log shows; made where it is null.
    std::shared_ptr<KernelLog> log = nullptr;
    // Ends the run when a program writes to sys:kstop; where it is empty every context is killed.
    std::function<void(sys::StopRequest)> stop = nullptr;
};

// Registers ids 1 to 8 and 10; 9 (kernel.proc) is not among them; sets Kernel::warn. Call it once, before the
// first context starts, before the supervisor confines itself, and on a thread that may use all the CPUs
// guests may use.
void install_kernel_schemes(task::Kernel& kernel, const KernelSchemeOptions& options);

}  // namespace halfcell::schemes
