// nproc: prints the number of processors.

#include "userland/lib/number.h"
#include "userland/lib/tool.h"
#include "userland/rt/file.h"
#include "userland/rt/input.h"

namespace halfcell::userland {
namespace {

constexpr Usage kUsage{"nproc", "", "Prints how many processors there are.", {}};

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    check_operand_count(parse_or_exit(kUsage, arguments), 0, 0);
    constexpr std::string_view kPath = "/scheme/sys/cpu";
    constexpr std::string_view kKey = "CPUs: ";
    const Result<UniqueFd> file = open_file(kPath, abi::OpenFlags::kRdonly | abi::OpenFlags::kCloexec);
    std::string text;
    if (!file) give_up(1, kPath, ": ", error_sentence(file.error()));
    if (const Result<void> read = read_rest(file->fd(), text); !read)
        give_up(1, kPath, ": ", error_sentence(read.error()));
    const std::string_view first = std::string_view(text).substr(0, text.find('\n'));
    const auto count = first.starts_with(kKey) ? parse_unsigned(first.substr(kKey.size())) : std::nullopt;
    if (!count) give_up(1, kPath, ": no number of processors in it");
    out().print(*count, '\n');
    return 0;
}

}  // namespace halfcell::userland
