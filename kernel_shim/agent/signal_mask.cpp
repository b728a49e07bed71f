#include "kernel_shim/agent/signal_mask.h"

#include <fcntl.h>

#include <array>
#include <cstdlib>
#include <string>
#include <string_view>

#include "kernel_shim/host/sys.h"
#include "kernel_shim/host/unique_fd.h"

namespace halfcell::agent {

namespace {

std::string read_task_file(pid_t process, pid_t thread, const char* name) {
    const std::string path =
        "/proc/" + std::to_string(process) + "/task/" + std::to_string(thread) + "/" + name;
    const host::UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.is_open()) return {};
    std::string text;
    std::array<char, 4096> part{};
    for (;;) {
        const ssize_t got =
            host::retry_interrupted([&] { return read(file.get(), part.data(), part.size()); });
        if (got <= 0) return text;
        text.append(part.data(), static_cast<std::size_t>(got));
    }
}

bool bit_of(const std::string& status, std::string_view field, int signal) {
    const auto at = status.find(field);
    if (at == std::string::npos) return false;
    const std::uint64_t mask = std::strtoull(status.c_str() + at + field.size(), nullptr, 16);
    return ((mask >> (signal - 1)) & 1) != 0;
}

// The words behind the command name: state is field 3, user and system time are fields 14 and 15.
std::uint64_t ticks_of(const std::string& stat) {
    const auto name_end = stat.rfind(')');
    if (name_end == std::string::npos) return 0;
    const char* at = stat.c_str() + name_end + 1;
    std::uint64_t sum = 0;
    for (int field = 3; field <= 15; ++field) {
        while (*at == ' ')
            ++at;
        if (field >= 14) sum += std::strtoull(at, nullptr, 10);
        while (*at != ' ' && *at != '\0')
            ++at;
    }
    return sum;
}

}  // namespace

SignalLook look_at_signal(pid_t process, pid_t thread, int signal) {
    const std::string status = read_task_file(process, thread, "status");
    return {.blocked = bit_of(status, "SigBlk:", signal),
            .pending = bit_of(status, "SigPnd:", signal),
            .cpu_ticks = ticks_of(read_task_file(process, thread, "stat"))};
}

}  // namespace halfcell::agent
