#include "schemes/kernel/kernel_log.h"

namespace halfcell::schemes {

void KernelLog::append(std::string_view text) {
    if (text.size() > kCapacity) text.remove_prefix(text.size() - kCapacity);
    text_.with([&](std::string& kept) {
        // Cutting only at twice the capacity keeps a long log from being moved for every line.
        if (kept.size() + text.size() > 2 * kCapacity) kept.erase(0, kept.size() - kCapacity);
        kept += text;
    });
}

void KernelLog::warn(std::string_view module, std::string_view message) {
    std::string line(module);
    line.append(":WARN -- ").append(message).append("\n");
    append(line);
    if (echo_) echo_(line);
}

std::string KernelLog::text() const {
    return text_.with([](const std::string& kept) {
        return kept.size() > kCapacity ? kept.substr(kept.size() - kCapacity) : kept;
    });
}

}  // namespace halfcell::schemes
