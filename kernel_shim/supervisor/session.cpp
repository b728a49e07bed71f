#include "kernel_shim/supervisor/session.h"

#include <cstdio>
#include <cstdlib>

#include "kernel_shim/supervisor/command_words.h"
#include "kernel_shim/supervisor/line_editor.h"

namespace halfcell::supervisor {

namespace {

constexpr const char* kHelp =
    "Each line runs one Redox program: NAME ARGUMENTS…, e.g.\n"
    "  ls -l /scheme/sys          what a Redox system shows of itself\n"
    "  cat /scheme/sys/uname\n"
    "  ls /bin                    the programs at hand\n"
    "  ./program arguments        a Redox program of the host (a slash in the name)\n"
    "There is no shell here: no pipes, variables or redirections; '…', \"…\" and \\ quote.\n"
    "  cd DIRECTORY, pwd, help, exit\n";

// What is not a program: true when the line was one of these.
bool run_builtin(World& world, const std::vector<std::string>& words, bool& done) {
    const std::string& name = words.front();
    if (name == "exit" || name == "quit") {
        done = true;
    } else if (name == "help") {
        std::fputs(kHelp, stdout);
    } else if (name == "cd") {
        const std::string target = words.size() > 1 ? words[1] : "/";
        if (const auto changed = world.change_directory(target); !changed)
            std::fprintf(stderr, "cd: %s: %s\n", target.c_str(), abi::errno_text(changed.error()));
    } else if (name == "pwd") {
        std::printf("%s\n", world.working_directory().c_str());
    } else {
        return false;
    }
    return true;
}

}  // namespace

int run_session(World& world) {
    std::printf("halfcell session: type a program's name, `help`, or `exit`.\n");
    LineEditor editor("halfcell> ");
    int status = 0;
    bool done = false;
    while (!done) {
        const auto line = editor.next();
        if (!line) break;
        const auto words = split_words(*line);
        if (!words) {
            std::fprintf(stderr, "halfcell: a quote is not closed\n");
            continue;
        }
        if (words->empty()) continue;
        if (!run_builtin(world, *words, done)) status = world.run(*words);
        std::fflush(stdout);
    }
    return status;
}

}  // namespace halfcell::supervisor
