// realpath: prints paths without links and detours.

#include "userland/lib/tool.h"
#include "userland/rt/file.h"
#include "userland/rt/path.h"

namespace halfcell::userland {
namespace {

constexpr Option kOptions[] = {
    {'e', "canonicalize-existing", Value::kNone, "", "everything must exist"},
    {'s', "no-symlinks", Value::kNone, "", "leave links as they are"},
    {'q', "quiet", Value::kNone, "", "no messages"},
};
constexpr Usage kUsage{
    "realpath", "[OPTION]... FILE...",
    "Prints each path made absolute, with links followed; the last component need not exist.", kOptions};

Result<std::string> resolve(std::string_view path, const CommandLine& line) {
    if (path.empty()) return Errno::kENOENT;
    if (line.has('s')) return canonical_path(process().working_directory, path);
    Result<std::string> real = real_path(path);
    if (real || line.has('e') || real.error() != Errno::kENOENT) return real;
    const std::string directory = RT_TRY(real_path(directory_name(path)));
    return join_path(directory, base_name(path));
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const CommandLine line = parse_or_exit(kUsage, arguments);
    check_operand_count(line, 1);
    int status = 0;
    for (const std::string_view path : line.operands) {
        const Result<std::string> resolved = resolve(path, line);
        if (resolved) {
            out().print(*resolved, '\n');
            continue;
        }
        status = 1;
        if (!line.has('q')) complain_about(path, resolved.error());
    }
    return status;
}

}  // namespace halfcell::userland
