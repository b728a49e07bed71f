// rmdir: removes empty directories.

#include "userland/lib/tool.h"
#include "userland/rt/file.h"
#include "userland/rt/path.h"

namespace halfcell::userland {
namespace {

constexpr int kIgnoreNonEmpty = kLongOnly;
constexpr Option kOptions[] = {
    {kIgnoreNonEmpty, "ignore-fail-on-non-empty", Value::kNone, "", "no complaint about directories in use"},
    {'p', "parents", Value::kNone, "", "remove the directories above as well"},
    {'v', "verbose", Value::kNone, "", "say what is removed"},
};
constexpr Usage kUsage{"rmdir", "[OPTION]... DIRECTORY...", "Removes each DIRECTORY, which must be empty.",
                       kOptions};

bool remove_one(std::string_view path, const CommandLine& line) {
    if (line.has('v')) out().print("rmdir: removing directory, ", quoted(path), '\n');
    const Result<void> removed = remove_directory(path);
    if (removed) return true;
    if (removed.error() == Errno::kENOTEMPTY && line.has(kIgnoreNonEmpty)) return false;
    complain("failed to remove ", quoted(path), ": ", error_sentence(removed.error()));
    return false;
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const CommandLine line = parse_or_exit(kUsage, arguments);
    check_operand_count(line, 1);
    for (std::string_view path : line.operands) {
        while (remove_one(path, line) && line.has('p')) {
            path = directory_name(path);
            if (path == "." || path == "/") break;
        }
    }
    return tool_status();
}

}  // namespace halfcell::userland
