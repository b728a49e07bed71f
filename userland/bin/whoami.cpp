// whoami: prints the user's name.

#include "userland/lib/tool.h"
#include "userland/lib/user_database.h"
#include "userland/rt/child.h"

namespace halfcell::userland {
namespace {

constexpr Usage kUsage{"whoami", "", "Prints the name of the user this process acts as.", {}};

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    check_operand_count(parse_or_exit(kUsage, arguments), 0, 0);
    const Result<abi::ProcMeta> identity = process_identity();
    if (!identity) give_up(1, "cannot find out: ", error_sentence(identity.error()));
    out().print(user_name(identity->euid), '\n');
    return 0;
}

}  // namespace halfcell::userland
