// tee: copies standard input to standard output and to files.

#include <vector>

#include "userland/lib/tool.h"
#include "userland/rt/file.h"
#include "userland/rt/input.h"

namespace halfcell::userland {
namespace {

constexpr Option kOptions[] = {
    {'a', "append", Value::kNone, "", "add to the files instead of replacing them"},
    {'i', "ignore-interrupts", Value::kNone, "", "ignored"},
    {'p', "", Value::kNone, "", "ignored"},
};
constexpr Usage kUsage{"tee", "[OPTION]... [FILE]...",
                       "Copies standard input to standard output and to each FILE.", kOptions};

struct Target {
    std::string_view path;
    UniqueFd file;
    bool broken = false;
};

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const CommandLine line = parse_or_exit(kUsage, arguments);
    using abi::OpenFlags;
    const std::uint64_t how = line.has('a') ? OpenFlags::kAppend : OpenFlags::kTrunc;
    std::vector<Target> targets;
    for (const std::string_view path : line.operands) {
        Result<UniqueFd> file =
            open_file(path, OpenFlags::kWronly | OpenFlags::kCreat | OpenFlags::kCloexec | how);
        if (file) {
            targets.push_back({path, std::move(*file)});
        } else {
            complain_about(path, file.error());
        }
    }
    for (;;) {
        const Result<std::size_t> count = read_some(Fd::kStdin, transfer_buffer());
        if (!count) {
            complain_about("standard input", count.error());
            break;
        }
        if (*count == 0) break;
        const std::string_view text = as_text(transfer_buffer().first(*count));
        out().write(text);
        out().flush();
        for (Target& target : targets) {
            if (target.broken) continue;
            const Result<void> written = write_all(target.file.fd(), text);
            if (written) continue;
            complain_about(target.path, written.error());
            target.broken = true;
        }
    }
    return tool_status();
}

}  // namespace halfcell::userland
