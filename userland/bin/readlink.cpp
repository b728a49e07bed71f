// readlink: prints where a symbolic link leads.

#include "userland/lib/tool.h"
#include "userland/rt/file.h"
#include "userland/rt/path.h"

namespace halfcell::userland {
namespace {

constexpr Option kOptions[] = {
    {'f', "canonicalize", Value::kNone, "", "follow all links; the last component need not exist"},
    {'e', "canonicalize-existing", Value::kNone, "", "follow all links; everything must exist"},
    {'n', "no-newline", Value::kNone, "", "no newline at the end"},
    {'v', "verbose", Value::kNone, "", "say what is wrong"},
};
constexpr Usage kUsage{"readlink", "[OPTION]... FILE...", "Prints the target of each symbolic link.",
                       kOptions};

Result<std::string> canonical(std::string_view path, bool must_exist) {
    Result<std::string> real = real_path(path);
    if (real || must_exist || real.error() != Errno::kENOENT) return real;
    const std::string directory = RT_TRY(real_path(directory_name(path)));
    return join_path(directory, base_name(path));
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const CommandLine line = parse_or_exit(kUsage, arguments);
    check_operand_count(line, 1);
    const bool follows = line.has('f') || line.has('e');
    int status = 0;
    for (const std::string_view path : line.operands) {
        const Result<std::string> target =
            follows ? canonical(path, line.has('e')) : read_symbolic_link(path);
        if (!target) {
            if (line.has('v')) complain_about(path, target.error());
            status = 1;
            continue;
        }
        out().write(*target);
        if (!line.has('n') || line.operands.size() > 1) out().put('\n');
    }
    return status;
}

}  // namespace halfcell::userland
