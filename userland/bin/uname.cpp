// uname: names the system.

#include <array>

#include "userland/lib/tool.h"
#include "userland/rt/file.h"
#include "userland/rt/input.h"

namespace halfcell::userland {
namespace {

constexpr Option kOptions[] = {
    {'a', "all", Value::kNone, "", "all of the below"},
    {'s', "kernel-name", Value::kNone, "", "the kernel's name (the default)"},
    {'n', "nodename", Value::kNone, "", "the machine's name"},
    {'r', "kernel-release", Value::kNone, "", "the kernel's release"},
    {'v', "kernel-version", Value::kNone, "", "the kernel's build"},
    {'m', "machine", Value::kNone, "", "the kind of machine"},
    {'o', "operating-system", Value::kNone, "", "the operating system"},
};
constexpr Usage kUsage{"uname", "[OPTION]...", "Prints what system this is.", kOptions};

struct SystemNames {
    std::string kernel, release, machine, version, node;
};

std::string first_line(std::string_view text) {
    return std::string(text.substr(0, text.find('\n')));
}

// The kernel tells four lines: name, release, machine, build. Source: kernel:src/scheme/sys/uname.rs.
Result<SystemNames> read_names() {
    const UniqueFd file =
        RT_TRY(open_file("/scheme/sys/uname", abi::OpenFlags::kRdonly | abi::OpenFlags::kCloexec));
    std::string text;
    RT_TRY(read_rest(file.fd(), text));
    std::array<std::string, 4> lines;
    std::string_view rest = text;
    for (std::string& line : lines) {
        line = first_line(rest);
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    }
    std::string node = "redox";
    if (const Result<UniqueFd> host =
            open_file("/etc/hostname", abi::OpenFlags::kRdonly | abi::OpenFlags::kCloexec)) {
        std::string name;
        if (read_rest(host->fd(), name) && !first_line(name).empty()) node = first_line(name);
    }
    return SystemNames{lines[0], lines[1], lines[2], lines[3], node};
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const CommandLine line = parse_or_exit(kUsage, arguments);
    check_operand_count(line, 0, 0);
    const Result<SystemNames> names = read_names();
    if (!names) give_up(1, "/scheme/sys/uname: ", error_sentence(names.error()));
    const bool all = line.has('a');
    bool first = true;
    const auto print = [&](char option, std::string_view text) {
        if ((!all && !line.has(option)) || text.empty()) return;
        out().print(first ? "" : " ", text);
        first = false;
    };
    if (line.options.empty()) out().write(names->kernel);
    print('s', names->kernel);
    print('n', names->node);
    print('r', names->release);
    print('v', names->version);
    print('m', names->machine);
    print('o', "Redox");
    out().put('\n');
    return 0;
}

}  // namespace halfcell::userland
