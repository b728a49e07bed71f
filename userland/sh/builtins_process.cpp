// Builtins for the state of the process and for signals.

#include "userland/lib/mode.h"
#include "userland/lib/number.h"
#include "userland/lib/signal_names.h"
#include "userland/rt/file.h"
#include "userland/rt/output.h"
#include "userland/rt/path.h"
#include "userland/rt/process.h"
#include "userland/rt/signal.h"
#include "userland/sh/builtins.h"

namespace halfcell::userland::sh {
namespace {

std::string_view sentence(Errno error) {
    const char* const text = abi::errno_text(error);
    return text != nullptr ? std::string_view(text) : std::string_view("Unknown error");
}

// Where `cd` goes: a name without a beginning of its own is looked for in CDPATH. `shown`: it was found
// there.
std::string directory_for(Shell& shell, const std::string& operand, bool& shown) {
    shown = false;
    const bool fixed = is_absolute_path(operand) || operand == "." || operand == ".." ||
                       operand.starts_with("./") || operand.starts_with("../");
    const std::string search = shell.value_or("CDPATH", "");
    if (fixed || search.empty()) return operand;
    std::string_view rest = search;
    for (;;) {
        const std::size_t colon = rest.find(':');
        const std::string_view entry = rest.substr(0, colon);
        const std::string path = entry.empty() ? operand : join_path(entry, operand);
        const Result<abi::Stat> stat = stat_file(path);
        if (stat && is_directory(*stat)) {
            shown = !entry.empty();
            return path;
        }
        if (colon == std::string_view::npos) return operand;
        rest.remove_prefix(colon + 1);
    }
}

// "u=rwx,g=rx,o=": what the mask lets through.
std::string symbolic_mask(std::uint16_t mask) {
    std::string text;
    for (int shift = 6; shift >= 0; shift -= 3) {
        text += shift == 6 ? "u=" : shift == 3 ? ",g=" : ",o=";
        for (int bit = 2; bit >= 0; --bit) {
            if ((mask >> (shift + bit) & 1) == 0) text.push_back("xwr"[bit]);
        }
    }
    return text;
}

int send(Shell& shell, std::string_view target, std::uint32_t signal) {
    if (target.starts_with('%')) {
        std::string error;
        Job* const job = shell.jobs.of_spec(target, error);
        if (job == nullptr) return shell.fail("kill", error);
        // Without job control the processes are in the shell's own group.
        if (job->group != 0) {
            const Result<void> sent = send_signal(-static_cast<std::int64_t>(job->group), signal);
            return sent ? 0 : shell.fail("kill", sentence(sent.error()));
        }
        int status = 0;
        for (const Job::Process& process : job->processes) {
            const Result<void> sent = send_signal(process.pid, signal);
            if (!sent) status = shell.fail("kill", sentence(sent.error()));
        }
        return status;
    }
    const auto pid = parse_signed(target);
    if (!pid) return shell.fail("kill", concat("Illegal number: ", target), 2);
    const Result<void> sent = send_signal(*pid, signal);
    return sent ? 0 : shell.fail("kill", sentence(sent.error()));
}

// "kill -l [STATUS or NUMBER]..."
int list_signals(Shell& shell, Shell::Arguments operands) {
    std::string text;
    for (std::uint32_t signal = 1; operands.empty() && signal <= abi::Signal::kSys; ++signal)
        text += signal_name(signal) + "\n";
    for (const std::string& operand : operands) {
        auto number = parse_unsigned(operand);
        if (number && *number > 128) *number -= 128;
        const auto signal = signal_number(number ? decimal(*number) : operand);
        if (!signal) return shell.fail("kill", "invalid signal number or exit status: " + operand, 2);
        text += number ? signal_name(*signal) : decimal(*signal);
        text += "\n";
    }
    return shell.print(text) ? 0 : 1;
}

int show_traps(Shell& shell) {
    std::string text;
    for (const Traps::Trap& trap : shell.traps.all()) {
        const std::string name = trap.signal == kExitTrap ? "EXIT" : signal_name(trap.signal);
        text += "trap -- " + single_quoted(trap.action) + " " + name + "\n";
    }
    return shell.print(text) ? 0 : 1;
}

std::optional<std::uint32_t> trap_number(const std::string& text) {
    if (text == "EXIT") return kExitTrap;
    return signal_number(text);
}

}  // namespace

int builtin_cd(Shell& shell, Shell::Arguments words) {
    std::size_t at = 1;
    bool physical = false;
    for (; at < words.size() && (words[at] == "-P" || words[at] == "-L" || words[at] == "--"); ++at)
        physical = words[at] == "-P" || (physical && words[at] != "-L");
    std::string target = at < words.size() ? words[at] : shell.value_or("HOME", "");
    if (target.empty() && at >= words.size()) return shell.fail("cd", "HOME not set", 2);
    bool shown = false;
    if (target == "-") {
        target = shell.value_or("OLDPWD", "");
        if (target.empty()) return shell.fail("cd", "OLDPWD not set", 2);
        shown = true;
    } else {
        target = directory_for(shell, target, shown);
    }
    if (physical) {
        const Result<std::string> real = real_path(target);
        if (real) target = *real;
    }
    const std::string before = process().working_directory;
    const Result<void> changed = change_directory(target);
    if (!changed) return shell.fail("cd", "can't cd to " + target, 2);
    if (!shell.assign("OLDPWD", before) || !shell.assign("PWD", process().working_directory)) return 2;
    if (shown) return shell.print(process().working_directory + "\n") ? 0 : 1;
    return 0;
}

int builtin_umask(Shell& shell, Shell::Arguments words) {
    const bool symbolic = words.size() > 1 && words[1] == "-S";
    const Shell::Arguments operands = words.subspan(symbolic ? 2 : 1);
    const std::uint16_t mask = process().umask;
    if (operands.empty()) {
        return shell.print((symbolic ? symbolic_mask(mask) : in_base(mask, 8, 4)) + "\n") ? 0 : 1;
    }
    const std::string& text = operands[0];
    std::optional<std::uint16_t> wanted;
    if (const auto octal = parse_octal(text)) {
        if (*octal <= 0777) wanted = static_cast<std::uint16_t>(*octal);
    } else if (const auto allowed = apply_mode(text, static_cast<std::uint16_t>(~mask & 0777), false, 0)) {
        wanted = static_cast<std::uint16_t>(~*allowed & 0777);
    }
    if (!wanted) return shell.fail("umask", "Illegal mode: " + text, 2);
    set_umask(*wanted);
    return 0;
}

// Redox does not tell a process what time it has used.
int builtin_times(Shell& shell, Shell::Arguments) {
    return shell.print("0m0.000000s 0m0.000000s\n0m0.000000s 0m0.000000s\n") ? 0 : 1;
}

int builtin_trap(Shell& shell, Shell::Arguments words) {
    Shell::Arguments operands = words.subspan(1);
    if (!operands.empty() && operands[0] == "--") operands = operands.subspan(1);
    if (operands.empty()) return show_traps(shell);
    // "trap INT" and "trap 2 3" take actions away.
    std::optional<std::string> action;
    if (operands.size() > 1 && !parse_unsigned(operands[0])) {
        if (operands[0] != "-") action = operands[0];
        operands = operands.subspan(1);
    }
    int status = 0;
    for (const std::string& operand : operands) {
        const std::optional<std::uint32_t> signal = trap_number(operand);
        if (!signal) {
            status = shell.fail("trap", operand + ": bad trap");
            continue;
        }
        shell.traps.set(*signal, action);
    }
    return status;
}

int builtin_kill(Shell& shell, Shell::Arguments words) {
    Shell::Arguments operands = words.subspan(1);
    std::uint32_t signal = Signal::kTerm;
    if (!operands.empty() && operands[0] == "-l") return list_signals(shell, operands.subspan(1));
    if (!operands.empty() && operands[0].size() > 1 && operands[0].starts_with('-') && operands[0] != "--") {
        std::string name = operands[0].substr(1);
        operands = operands.subspan(1);
        if (name == "s" && !operands.empty()) {
            name = operands[0];
            operands = operands.subspan(1);
        } else if (name.size() > 1 && name.starts_with('s') && !signal_number(name)) {
            name.erase(0, 1);
        }
        const auto number = signal_number(name);
        if (!number) return shell.fail("kill", "invalid signal number: " + name, 2);
        signal = *number;
    }
    if (!operands.empty() && operands[0] == "--") operands = operands.subspan(1);
    if (operands.empty()) return shell.fail("kill", "Usage: kill [-s sigspec | -signum] [pid | job]...", 2);
    int status = 0;
    for (const std::string& operand : operands) {
        const int sent = send(shell, operand, signal);
        if (sent != 0) status = sent;
    }
    return status;
}

}  // namespace halfcell::userland::sh
