// hostname: prints the name of the machine.

#include "userland/lib/tool.h"
#include "userland/rt/file.h"
#include "userland/rt/input.h"

namespace halfcell::userland {
namespace {

constexpr Usage kUsage{"hostname", "", "Prints the name in /etc/hostname, which is the machine's.", {}};

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    check_operand_count(parse_or_exit(kUsage, arguments), 0, 0);
    const Result<UniqueFd> file =
        open_file("/etc/hostname", abi::OpenFlags::kRdonly | abi::OpenFlags::kCloexec);
    if (!file) give_up(1, "/etc/hostname: ", error_sentence(file.error()));
    std::string text;
    if (const Result<void> read = read_rest(file->fd(), text); !read)
        give_up(1, "/etc/hostname: ", error_sentence(read.error()));
    out().print(std::string_view(text).substr(0, text.find('\n')), '\n');
    return 0;
}

}  // namespace halfcell::userland
