#include "userland/lib/speed_server.h"

#include <array>

#include "userland/lib/tool.h"
#include "userland/rt/child.h"
#include "userland/rt/exec.h"

namespace halfcell::userland {

void start_speed_server_unless_there() {
    if (const auto file = sys_openat(process().name_space, kSpeedFile, abi::OpenFlags::kRdonly)) {
        (void)sys_close(*file);
        return;
    }
    const std::array<std::string, 2> words{"speedscheme", "speed"};
    const auto server = spawn_program(words, inherited_environment());
    if (!server) give_up(1, words[0], ": ", error_sentence(server.error()));
    const auto news = wait_for_child(*server, 0);
    if (!news || exit_status_of(news->status) != 0) give_up(1, words[0], " does not start");
}

}  // namespace halfcell::userland
