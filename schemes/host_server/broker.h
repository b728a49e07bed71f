#pragma once

// A process that reaches one server for a supervisor which has given up the right to: it may start that one
// program, or connect to that one path, as often as it is asked to, and can be asked for nothing else.

#include <memory>

#include "kernel_shim/base/result.h"
#include "schemes/host_server/server_link.h"

namespace halfcell::host_server {

// Forks the process that will use `link`; what the result does is done there. It ends with the result, or
// with this process. Call it while there is one thread and before anything is given up. EMFILE, EAGAIN,
// ENOMEM.
Result<std::unique_ptr<ServerLink>> reach_through_broker(std::unique_ptr<ServerLink> link);

}  // namespace halfcell::host_server
