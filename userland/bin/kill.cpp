// kill: sends signals to processes.

#include "userland/lib/number.h"
#include "userland/lib/signal_names.h"
#include "userland/lib/tool.h"
#include "userland/rt/signal.h"

namespace halfcell::userland {
namespace {

constexpr Usage kUsage{
    "kill",
    "[-SIGNAL | -s SIGNAL] PID... | -l [NUMBER]...",
    "Sends SIGNAL (TERM) to processes: PID above 0, the own group 0, all -1, a group -PGID.\n"
    "-l lists the signals, or names those of the numbers or exit statuses.",
    {}};

int list(std::span<const std::string_view> numbers) {
    for (std::uint32_t signal = 1; numbers.empty() && signal <= Signal::kSys; ++signal)
        out().print(signal_name(signal), '\n');
    for (const std::string_view text : numbers) {
        auto number = parse_unsigned(text);
        if (number && *number > 128) *number -= 128;
        const auto signal = signal_number(number ? decimal(*number) : text);
        if (!signal) {
            complain("invalid signal ", quoted(text));
        } else if (number) {
            out().print(signal_name(*signal), '\n');
        } else {
            out().print(*signal, '\n');
        }
    }
    return tool_status();
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    set_tool(kUsage);
    if (arguments.size() == 1 && arguments[0] == "--help") {
        out().write(help_text(kUsage));
        return 0;
    }
    if (!arguments.empty() && arguments[0] == "-l") return list(arguments.subspan(1));
    std::string_view name = "TERM";
    if (arguments.size() > 1 && arguments[0] == "-s") {
        name = arguments[1];
        arguments = arguments.subspan(2);
    } else if (!arguments.empty() && arguments[0].size() > 1 && arguments[0] != "--" &&
               arguments[0].starts_with('-')) {
        name = arguments[0].substr(1);
        arguments = arguments.subspan(1);
    }
    if (!arguments.empty() && arguments[0] == "--") arguments = arguments.subspan(1);
    const auto signal = signal_number(name);
    if (!signal) usage_error(concat("invalid signal ", quoted(name)));
    if (arguments.empty()) usage_error("no process id given");
    for (const std::string_view text : arguments) {
        const auto pid = parse_signed(text);
        const Result<void> sent = pid ? send_signal(*pid, *signal) : Errno::kEINVAL;
        if (!sent) complain("(", text, ") - ", error_sentence(sent.error()));
    }
    return tool_status();
}

}  // namespace halfcell::userland
