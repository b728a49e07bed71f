#include "userland/lib/signal_names.h"

#include "abi/sigabi.h"
#include "userland/lib/number.h"

namespace halfcell::userland {
namespace {

struct Row {
    std::uint32_t signal;
    std::string_view name;
    std::string_view description;
};

constexpr Row kRows[] = {
    {1, "HUP", "Hangup"},
    {2, "INT", "Interrupt"},
    {3, "QUIT", "Quit"},
    {4, "ILL", "Illegal instruction"},
    {5, "TRAP", "Trace/breakpoint trap"},
    {6, "ABRT", "Aborted"},
    {7, "BUS", "Bus error"},
    {8, "FPE", "Floating point exception"},
    {9, "KILL", "Killed"},
    {10, "USR1", "User defined signal 1"},
    {11, "SEGV", "Segmentation fault"},
    {12, "USR2", "User defined signal 2"},
    {13, "PIPE", "Broken pipe"},
    {14, "ALRM", "Alarm clock"},
    {15, "TERM", "Terminated"},
    {16, "STKFLT", "Stack fault"},
    {17, "CHLD", "Child exited"},
    {18, "CONT", "Continued"},
    {19, "STOP", "Stopped (signal)"},
    {20, "TSTP", "Stopped"},
    {21, "TTIN", "Stopped (tty input)"},
    {22, "TTOU", "Stopped (tty output)"},
    {23, "URG", "Urgent I/O condition"},
    {24, "XCPU", "CPU time limit exceeded"},
    {25, "XFSZ", "File size limit exceeded"},
    {26, "VTALRM", "Virtual timer expired"},
    {27, "PROF", "Profiling timer expired"},
    {28, "WINCH", "Window changed"},
    {29, "IO", "I/O possible"},
    {30, "PWR", "Power failure"},
    {31, "SYS", "Bad system call"},
};

std::string upper(std::string_view text) {
    std::string result(text);
    for (char& c : result) {
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    }
    return result;
}

std::optional<std::uint32_t> real_time_number(std::string_view name) {
    const bool from_end = name.starts_with("RTMAX");
    if (!from_end && !name.starts_with("RTMIN")) return {};
    const std::uint32_t base = from_end ? abi::Signal::kRtmax : abi::Signal::kRtmin;
    name.remove_prefix(5);
    if (name.empty()) return base;
    if (name[0] != (from_end ? '-' : '+')) return {};
    const auto offset = parse_unsigned(name.substr(1));
    if (!offset || *offset > abi::Signal::kRtmax - abi::Signal::kRtmin) return {};
    return from_end ? base - static_cast<std::uint32_t>(*offset) : base + static_cast<std::uint32_t>(*offset);
}

}  // namespace

std::optional<std::uint32_t> signal_number(std::string_view text) {
    if (const auto number = parse_unsigned(text)) {
        if (*number > abi::kSignalCount) return {};
        return static_cast<std::uint32_t>(*number);
    }
    std::string name = upper(text);
    if (name.starts_with("SIG")) name.erase(0, 3);
    for (const Row& row : kRows) {
        if (row.name == name) return row.signal;
    }
    return real_time_number(name);
}

std::string signal_name(std::uint32_t signal) {
    for (const Row& row : kRows) {
        if (row.signal == signal) return std::string(row.name);
    }
    if (signal == abi::Signal::kRtmin) return "RTMIN";
    if (signal > abi::Signal::kRtmin && signal <= abi::Signal::kRtmax)
        return "RTMIN+" + decimal(signal - abi::Signal::kRtmin);
    return decimal(signal);
}

std::string signal_description(std::uint32_t signal) {
    for (const Row& row : kRows) {
        if (row.signal == signal) return std::string(row.description);
    }
    return "Signal " + decimal(signal);
}

}  // namespace halfcell::userland
