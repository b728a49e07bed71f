#include "userland/lib/run_command.h"

#include "userland/lib/tool.h"
#include "userland/rt/child.h"
#include "userland/rt/exec.h"

namespace halfcell::userland {

int run_command(std::span<const std::string> words) {
    const Result<std::uint32_t> child = spawn_program(words, inherited_environment());
    if (!child) {
        complain("cannot fork: ", error_sentence(child.error()));
        return 126;
    }
    for (;;) {
        const Result<ChildNews> news = wait_for_child(*child, 0);
        if (news) return exit_status_of(news->status);
        if (news.error() != Errno::kEINTR) return 126;
    }
}

std::vector<std::string> as_words(std::span<const std::string_view> views) {
    return {views.begin(), views.end()};
}

}  // namespace halfcell::userland
