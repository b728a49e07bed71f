// id: prints who the user is.

#include "userland/lib/tool.h"
#include "userland/lib/user_database.h"
#include "userland/rt/child.h"

namespace halfcell::userland {
namespace {

constexpr Option kOptions[] = {
    {'u', "user", Value::kNone, "", "only the user"},
    {'g', "group", Value::kNone, "", "only the group"},
    {'n', "name", Value::kNone, "", "with -u and -g: the name instead of the number"},
    {'r', "real", Value::kNone, "", "with -u and -g: the real id instead of the effective one"},
};
constexpr Usage kUsage{"id", "[-u | -g] [-nr]", "Prints the ids of this process's user and group.", kOptions};

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const CommandLine line = parse_or_exit(kUsage, arguments);
    check_operand_count(line, 0, 0);
    const Result<abi::ProcMeta> identity = process_identity();
    if (!identity) give_up(1, "cannot find out: ", error_sentence(identity.error()));
    const std::uint32_t uid = line.has('r') ? identity->ruid : identity->euid;
    const std::uint32_t gid = line.has('r') ? identity->rgid : identity->egid;
    if (line.has('u') || line.has('g')) {
        const std::uint32_t number = line.has('u') ? uid : gid;
        if (line.has('n')) {
            out().print(line.has('u') ? user_name(number) : group_name(number), '\n');
        } else {
            out().print(number, '\n');
        }
        return 0;
    }
    out().print("uid=", uid, '(', user_name(uid), ") gid=", gid, '(', group_name(gid), ")\n");
    return 0;
}

}  // namespace halfcell::userland
