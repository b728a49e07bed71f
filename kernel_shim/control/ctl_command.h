#pragma once

// `halfcell ctl`: asks a run's control socket.

#include <string>
#include <vector>

namespace halfcell::control {

struct CtlOptions {
    std::string where;               // PATH or @NAME
    std::vector<std::string> words;  // one command; none: lines of standard input are commands
    bool json = false;               // answers as they come
};

// Prints answers to standard output and failures to standard error. The exit status: 0; 1 when a command
// failed; 125 when there is nobody to ask, or he went before he answered. Blocks until the commands are over.
int run_ctl_command(const CtlOptions& options);

}  // namespace halfcell::control
