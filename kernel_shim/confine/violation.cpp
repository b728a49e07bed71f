#include "kernel_shim/confine/violation.h"

#include <ucontext.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "kernel_shim/confine/call_filter.h"

namespace halfcell::confine {

namespace {

constexpr int kNamed = 512;
// Made beforehand: the heap's lock may be the refused caller's.
std::array<const char*, kNamed> names;

const char* name_of(int number) {
    return number >= 0 && number < kNamed ? names[static_cast<std::size_t>(number)] : "?";
}

void refuse(int, siginfo_t* info, void* context) {
    const auto& registers = static_cast<const ucontext_t*>(context)->uc_mcontext.gregs;
    std::array<char, 400> text;
    const int length = std::snprintf(
        text.data(), text.size(), "halfcell: forbidden call %s (%d) with %#llx, %#llx, %#llx, %#llx at %p\n",
        name_of(info->si_syscall), info->si_syscall, static_cast<unsigned long long>(registers[REG_RDI]),
        static_cast<unsigned long long>(registers[REG_RSI]),
        static_cast<unsigned long long>(registers[REG_RDX]),
        static_cast<unsigned long long>(registers[REG_R10]), info->si_call_addr);
    if (length > 0) {
        [[maybe_unused]] const ssize_t written =
            ::write(STDERR_FILENO, text.data(), static_cast<std::size_t>(length));
    }
    std::abort();
}

}  // namespace

void name_refused_calls() {
    for (int number = 0; number < kNamed; ++number)
        names[static_cast<std::size_t>(number)] = call_name(number);
    struct sigaction action {};
    action.sa_sigaction = refuse;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    ::sigaction(SIGSYS, &action, nullptr);
}

}  // namespace halfcell::confine
