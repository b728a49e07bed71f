#include "schemes/kernel/sys/files.h"

// Files about the machine that need no looking around.

namespace halfcell::schemes::sys {

Result<std::string> read_exe(const Sources& sources, const scheme::Caller& caller) {
    const auto context = TRY(sources.kernel.contexts.find(caller.context));
    return context->attributes().name;
}

Result<std::string> read_env(const Sources& sources, const scheme::Caller&) {
    return sources.kernel.environment;
}

// There are no interrupts for guests to see: every counter stays 0.
Result<std::string> read_irq(const Sources&, const scheme::Caller&) {
    constexpr int kIrqCount = 224;
    std::string text;
    for (int irq = 0; irq < kIrqCount; ++irq)
        text += std::to_string(irq) + ": 0\n";
    return text;
}

Result<std::string> read_log(const Sources& sources, const scheme::Caller&) {
    return sources.log();
}

Result<std::string> read_spurious_irq(const Sources&, const scheme::Caller&) {
    return "0\tIRQ7\n0\tIRQ15\n0\ttotal\n";
}

// The version is that of the kernel whose behaviour this is.
Result<std::string> read_uname(const Sources&, const scheme::Caller&) {
    return "Redox\n0.5.12\nx86_64\n\n";
}

}  // namespace halfcell::schemes::sys
